import { backend } from '@keyhaven/crypto'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  decodeEntryBundle,
  decodeTile,
  encodeEntryBundle,
  encodeTile,
  entryTiles,
  leafHash,
  MAX_LEAF_BYTES,
  parseTilePath,
  type TileId,
  tileNodes,
  tilePath,
  tileWidth,
} from '../../src/log/index.ts'
import { buildLog } from './log-kit.ts'

const malformed = expect.objectContaining({ code: 'WIRE_MALFORMED' })

describe('tile paths', () => {
  test('as the specification writes them', () => {
    expect(tilePath({ level: 0, index: 1234067, width: 256 })).toBe('tile/0/x001/x234/067')
    expect(tilePath({ level: 0, index: 273, width: 112 })).toBe('tile/0/273.p/112')
    expect(tilePath({ level: 63, index: 0, width: 1 })).toBe('tile/63/000.p/1')
    expect(tilePath({ level: 'entries', index: 999, width: 256 })).toBe('tile/entries/999')
    expect(tilePath({ level: 'entries', index: 1000, width: 255 })).toBe('tile/entries/x001/000.p/255')
  })

  test('round trip', () => {
    const level = fc.oneof(fc.integer({ min: 0, max: 63 }), fc.constant('entries' as const))
    const index = fc.oneof(fc.integer({ min: 0, max: 2_000 }), fc.maxSafeNat())
    const tiles = fc.record({ level, index, width: fc.integer({ min: 1, max: 256 }) })
    const property = fc.property(tiles, (tile) => {
      expect(parseTilePath(tilePath(tile))).toEqual(tile)
    })
    fc.assert(property)
  })

  test.each([
    '',
    'tile/0',
    'tile/0/',
    'tile/0/1',
    'tile/0/01',
    'tile/0/0001',
    'tile/0/x000/001',
    'tile/0/x001',
    'tile/0/x001/x002',
    'tile/0/001/002',
    'tile/0/000/',
    '/tile/0/000',
    'tile//000',
    'tile/00/000',
    'tile/01/000',
    'tile/64/000',
    'tile/-1/000',
    'tile/data/000',
    'tile/entries/000/',
    'tile/0/000.p',
    'tile/0/000.p/',
    'tile/0/000.p/0',
    'tile/0/000.p/01',
    'tile/0/000.p/256',
    'tile/0/000.p/1000',
    'tile/0/000.p/-1',
    'tile/0/000.p/1\n',
    'tile/0/000.q/1',
    'tile/0/000?x',
    'tile/0/٠٠٠',
    'tile/0/x009/x007/x199/x254/x740/992',
    `tile/0/${'x001/'.repeat(100)}000`,
  ])('refuses %j', (path) => expect(() => parseTilePath(path)).toThrow(malformed))

  test('no path for what is no tile', () => {
    const none: readonly TileId[] = [
      { level: 64, index: 0, width: 1 },
      { level: 0.5, index: 0, width: 1 },
      { level: 0, index: -1, width: 1 },
      { level: 0, index: 2 ** 53, width: 1 },
      { level: 0, index: 0, width: 0 },
      { level: 0, index: 0, width: 257 },
    ]
    for (const tile of none) expect(() => tilePath(tile)).toThrow(TypeError)
  })
})

describe('tiles of a log', () => {
  test('widths: the example of the specification, 70,000 entries', () => {
    const width = (level: number, index: number) => tileWidth({ level, index }, 70_000)
    expect([width(0, 272), width(0, 273), width(0, 274)]).toEqual([256, 112, 0])
    expect([width(1, 0), width(1, 1), width(1, 2)]).toEqual([256, 17, 0])
    expect([width(2, 0), width(2, 1), width(3, 0)]).toEqual([1, 0, 0])
    expect([tileWidth({ level: 0, index: 0 }, 256), tileWidth({ level: 1, index: 0 }, 256)]).toEqual([256, 1])
    const bundles = [...entryTiles(70_000)]
    expect([bundles.length, bundles[0]?.width, bundles.at(-1)]).toEqual([
      274,
      256,
      { level: 'entries', index: 273, width: 112 },
    ])
    expect([...entryTiles(0)]).toEqual([])
  })

  test('hold the hashes of the nodes; entries hash to the tile of level 0', async () => {
    const { nodes, entries } = await buildLog(300)
    const full = { level: 0, index: 0, width: 256 }
    const bytes = encodeTile(await nodes.read(tileNodes(full)))
    expect(bytes.length).toBe(8_192)
    const bundle = decodeEntryBundle(encodeEntryBundle(entries.slice(0, 256)), 256)
    expect(await Promise.all(bundle.map((entry) => leafHash(backend, entry)))).toEqual(
      decodeTile(full, bytes),
    )
    const above = { level: 1, index: 0, width: 1 }
    expect(tileNodes(above)).toEqual([{ level: 8, index: 0 }])
    expect(tileNodes({ level: 0, index: 1, width: 2 })).toEqual([
      { level: 0, index: 256 },
      { level: 0, index: 257 },
    ])
  })

  test('of another length are refused', () => {
    const tile = { level: 0, index: 0, width: 2 }
    expect(decodeTile(tile, new Uint8Array(64)).length).toBe(2)
    for (const length of [0, 32, 63, 65, 96]) {
      expect(() => decodeTile(tile, new Uint8Array(length))).toThrow(malformed)
    }
    expect(() => encodeTile([])).toThrow(TypeError)
    expect(() => encodeTile([new Uint8Array(31)])).toThrow(TypeError)
    expect(() => tileNodes({ level: 'entries', index: 0, width: 1 })).toThrow(TypeError)
  })
})

describe('entry bundles', () => {
  const bundles = fc.array(fc.uint8Array({ maxLength: 100 }), { minLength: 1, maxLength: 256 })

  test('round trip; one entry more or fewer, a cut and an extra byte are refused', () => {
    const property = fc.property(bundles, fc.nat(), (entries, place) => {
      const bytes = encodeEntryBundle(entries)
      expect(decodeEntryBundle(bytes, entries.length).map((entry) => [...entry])).toEqual(
        entries.map((entry) => [...entry]),
      )
      const extra = Uint8Array.of(...bytes, 0)
      expect(() => decodeEntryBundle(extra, entries.length)).toThrow(malformed)
      expect(() => decodeEntryBundle(bytes.subarray(0, place % bytes.length), entries.length)).toThrow(
        malformed,
      )
      if (entries.length > 1) expect(() => decodeEntryBundle(bytes, entries.length - 1)).toThrow(malformed)
      if (entries.length < 256) expect(() => decodeEntryBundle(bytes, entries.length + 1)).toThrow(malformed)
    })
    fc.assert(property)
  })

  test('limits', () => {
    const tooLarge = expect.objectContaining({ code: 'WIRE_TOO_LARGE' })
    expect(() => decodeEntryBundle(new Uint8Array(2_000_000), 256)).toThrow(tooLarge)
    expect(() => decodeEntryBundle(Uint8Array.of(0xff, 0xff), 1)).toThrow(tooLarge)
    expect(() => encodeEntryBundle([new Uint8Array(MAX_LEAF_BYTES + 1)])).toThrow(TypeError)
    for (const width of [0, 257, 0.5]) {
      expect(() => decodeEntryBundle(new Uint8Array(0), width)).toThrow(TypeError)
    }
    expect(() => encodeEntryBundle([])).toThrow(TypeError)
  })
})
