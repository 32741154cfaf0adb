import { AEAD_IDS, KEM_PUBLIC_KEY_BYTES, type KemName } from '@keyhaven/crypto'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import {
  decodeKeyConfig,
  decodeKeyConfigList,
  encodeKeyConfig,
  encodeKeyConfigList,
  KEY_CONFIG_LIST_MAX_BYTES,
  KEY_CONFIG_LIST_MAX_KEYS,
  type KeyConfig,
  supportedAeads,
} from '../../src/wire/key-config.ts'
import { codeOf } from './code-of.ts'

const AES = { kdf: 1, aead: AEAD_IDS['aes-256-gcm'] }

function config(kem: KemName, keyId = 1): KeyConfig {
  return { keyId, kem, publicKey: new Uint8Array(KEM_PUBLIC_KEY_BYTES[kem]).fill(7), symmetric: [AES] }
}

test.each(['x25519', 'p-256', 'x-wing'] as const)('%s: each cut and each extra byte is refused', (kem) => {
  const bytes = encodeKeyConfig(config(kem))
  expect(decodeKeyConfig(bytes)).toEqual(config(kem))
  for (let length = 0; length < bytes.length; length++) {
    expect(codeOf(() => decodeKeyConfig(bytes.subarray(0, length)))).toBe('WIRE_MALFORMED')
  }
  expect(codeOf(() => decodeKeyConfig(Uint8Array.of(...bytes, 0)))).toBe('WIRE_MALFORMED')
})

test('a list skips keys of a KEM that we do not have, and keeps the order of the others', () => {
  const unknown = encodeKeyConfig(config('x25519', 9))
  unknown[2] = 0x7f
  const known = encodeKeyConfigList([config('x-wing', 2), config('x25519', 1)])
  const list = Uint8Array.of(0, unknown.length, ...unknown, ...known)
  expect(decodeKeyConfigList(list).map(({ keyId }) => keyId)).toEqual([2, 1])
  expect(codeOf(() => decodeKeyConfig(unknown))).toBe('UNSUPPORTED')
})

test('a list is refused if anything of it is cut, and empty lists are fine', () => {
  const list = encodeKeyConfigList([config('x25519')])
  expect(decodeKeyConfigList(new Uint8Array(0))).toEqual([])
  for (let length = 1; length < list.length; length++) {
    expect(codeOf(() => decodeKeyConfigList(list.subarray(0, length)))).toBe('WIRE_MALFORMED')
  }
})

test('a list over its limits is refused before it is read', () => {
  expect(codeOf(() => decodeKeyConfigList(new Uint8Array(KEY_CONFIG_LIST_MAX_BYTES + 1)))).toBe(
    'WIRE_TOO_LARGE',
  )
  const many = Array.from({ length: KEY_CONFIG_LIST_MAX_KEYS + 1 }, (_, keyId) => config('x25519', keyId))
  expect(codeOf(() => decodeKeyConfigList(encodeKeyConfigList(many)))).toBe('WIRE_TOO_LARGE')
})

test('a key without algorithms is refused, unknown algorithms are kept but not used', () => {
  const bytes = encodeKeyConfig(config('x25519'))
  const none = bytes.slice(0, -4)
  none[none.length - 1] = 0
  expect(codeOf(() => decodeKeyConfig(none))).toBe('WIRE_MALFORMED')
  const symmetric = [{ kdf: 1, aead: 0x7777 }, { kdf: 2, aead: 1 }, AES]
  const decoded = decodeKeyConfig(encodeKeyConfig({ ...config('x25519'), symmetric }))
  expect(decoded.symmetric).toEqual(symmetric)
  expect(supportedAeads(decoded)).toEqual(['aes-256-gcm'])
})

test('whatever decodes encodes to the same bytes', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 80 }), (tail) => {
      const bytes = Uint8Array.of(1, 0, 0x20, ...tail)
      if (codeOf(() => decodeKeyConfig(bytes)) === 'accepted') {
        expect(encodeKeyConfig(decodeKeyConfig(bytes))).toEqual(bytes)
      }
    }),
  )
})
