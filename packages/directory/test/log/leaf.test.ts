import { backend, fromHex, toHex, utf8 } from '@keyhaven/crypto'
import { describe, expect, test } from 'vitest'
import { decodeLeaf, encodeLeaf, entryCommitment, type Leaf, labelInput } from '../../src/log/index.ts'

const KEY = 'A'.repeat(43)
const PARAMETERS: Leaf = {
  kind: 'parameters',
  application: 'demo',
  origin: 'keyhaven.local/0123456789ab/demo',
  vrfKey: KEY,
  authorityKey: { kty: 'OKP', crv: 'Ed25519', x: KEY },
}
const ENTRY: Leaf = {
  kind: 'entry',
  label: new Uint8Array(64).fill(1),
  commitment: new Uint8Array(32).fill(2),
}
const COMMITMENT: Leaf = { kind: 'commitment', commitment: new Uint8Array(32).fill(3) }
const malformed = expect.objectContaining({ code: 'WIRE_MALFORMED' })

describe('leaves', () => {
  test.each([PARAMETERS, ENTRY, COMMITMENT])(
    '$kind: round trip; each cut and an extra byte are refused',
    (leaf) => {
      const bytes = encodeLeaf(leaf)
      expect(decodeLeaf(bytes)).toEqual(leaf)
      for (let at = 0; at < bytes.length; at++) {
        expect(() => decodeLeaf(bytes.subarray(0, at)), `cut at ${at}`).toThrow(malformed)
      }
      expect(() => decodeLeaf(Uint8Array.of(...bytes, 0x20))).toThrow(malformed)
      for (const at of [0, 1]) expect(() => decodeLeaf(bytes.with(at, 9))).toThrow(malformed)
    },
  )

  test('have these bytes', () => {
    expect(toHex(encodeLeaf(ENTRY))).toBe(`0101${'01'.repeat(64)}${'02'.repeat(32)}`)
    expect(toHex(encodeLeaf(COMMITMENT))).toBe(`0102${'03'.repeat(32)}`)
    const json =
      '{"application":"demo","origin":"keyhaven.local/0123456789ab/demo",' +
      `"vrfKey":"${KEY}","authorityKey":{"kty":"OKP","crv":"Ed25519","x":"${KEY}"}}`
    expect(toHex(encodeLeaf(PARAMETERS))).toBe(`0100${toHex(utf8(json))}`)
  })

  test('parameters that are written otherwise are refused', () => {
    const json = new TextDecoder().decode(encodeLeaf(PARAMETERS).subarray(2))
    const others = [
      json.replace('{', '{ '),
      json.replace('{', '{"more":1,'),
      json.replace('"application":"demo",', ''),
      json.replace('"application":"demo"', '"application":7'),
      json.replace('"origin"', '"Origin"'),
      json.replace('"OKP"', '"EC"'),
      json.replace('"Ed25519"', '"X25519"'),
      json.replace(KEY, KEY.slice(1)),
      json.replace(KEY, `${KEY.slice(1)}B`),
      json.replace(`"x":"${KEY}"`, `"x":"${KEY}","d":"${KEY}"`),
      json.replace('demo', '\\u0064emo'),
      'null',
      '[]',
      '{}',
    ]
    for (const other of others) {
      expect(() => decodeLeaf(Uint8Array.of(1, 0, ...utf8(other))), other).toThrow(malformed)
    }
    expect(() => decodeLeaf(Uint8Array.of(1, 0, 0xff))).toThrow(malformed)
  })

  test('limits', () => {
    const tooLarge = expect.objectContaining({ code: 'WIRE_TOO_LARGE' })
    expect(() => decodeLeaf(new Uint8Array(4_097))).toThrow(tooLarge)
    expect(() => encodeLeaf({ ...PARAMETERS, application: 'a'.repeat(4_096) } as Leaf)).toThrow(TypeError)
    expect(() => encodeLeaf({ ...ENTRY, label: new Uint8Array(63) } as Leaf)).toThrow(TypeError)
    expect(() => encodeLeaf({ ...COMMITMENT, commitment: new Uint8Array(33) } as Leaf)).toThrow(TypeError)
  })
})

test('label input: two names cannot run into each other', () => {
  expect(toHex(labelInput('ab', 'c'))).toBe('0002616200' + '0163')
  expect(labelInput('a', 'bc')).not.toEqual(labelInput('ab', 'c'))
})

test('commitment: SHA-256 of opening and entry', async () => {
  const opening = new Uint8Array(32)
  const input = Uint8Array.of(...opening, ...utf8('a.b.c'))
  expect(await entryCommitment(backend, opening, utf8('a.b.c'))).toEqual(await backend.sha256(input))
  expect(() => entryCommitment(backend, fromHex('00'), utf8('a.b.c'))).toThrow(TypeError)
})
