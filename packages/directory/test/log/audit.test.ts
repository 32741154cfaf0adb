import { backend } from '@keyhaven/crypto'
import { webBackend } from '@keyhaven/crypto/web'
import { describe, expect, test } from 'vitest'
import { auditLog, decodeEntryBundle, encodeEntryBundle, entryTiles } from '../../src/log/index.ts'
import { buildLog, type TestLog } from './log-kit.ts'

const log = await buildLog(600)
const inconsistent = { code: 'LOG_INCONSISTENT' }

/** The bundles as an auditor fetches them. */
async function* bundles(of: TestLog, size: number): AsyncGenerator<readonly Uint8Array[]> {
  for (const { index, width } of entryTiles(size)) {
    const bytes = encodeEntryBundle(of.entries.slice(index * 256, index * 256 + width))
    yield decodeEntryBundle(bytes, width)
  }
}

describe('an audit', () => {
  test.each([0, 1, 255, 256, 257, 600])(
    'of %i entries recomputes the root, and sees each entry',
    async (size) => {
      for (const hasher of [backend, webBackend]) {
        const seen: number[] = []
        await auditLog(hasher, bundles(log, size), log.heads[size]!, (entry, index) => {
          expect(entry).toEqual(log.entries[index])
          seen.push(index)
        })
        expect(seen).toEqual(Array.from({ length: size }, (_, at) => at))
      }
    },
  )

  test('finds a changed, missing, added or swapped entry', async () => {
    const { root } = log.heads[300]!
    const entries = log.entries.slice(0, 300)
    const check = (changed: readonly Uint8Array[]) => auditLog(backend, [changed], { size: 300, root })
    await check(entries)
    await expect(check(entries.with(150, Uint8Array.of(1)))).rejects.toMatchObject(inconsistent)
    await expect(check(entries.slice(1))).rejects.toMatchObject(inconsistent)
    await expect(check(entries.slice(0, -1))).rejects.toThrow('fewer entries')
    await expect(check([...entries, Uint8Array.of(1)])).rejects.toThrow('more entries')
    await expect(check(entries.with(7, entries[8]!).with(8, entries[7]!))).rejects.toMatchObject(inconsistent)
  })

  test('stops at the first entry too many', async () => {
    let fetched = 0
    async function* endless() {
      for (;;) {
        fetched += 1
        yield log.entries.slice(0, 256)
      }
    }
    await expect(auditLog(backend, endless(), log.heads[600]!)).rejects.toMatchObject(inconsistent)
    expect(fetched).toBe(3)
  })

  test('passes on what its source throws', async () => {
    async function* broken(): AsyncGenerator<readonly Uint8Array[]> {
      yield log.entries.slice(0, 256)
      throw new Error('unreachable')
    }
    await expect(auditLog(backend, broken(), log.heads[600]!)).rejects.toThrow('unreachable')
  })
})
