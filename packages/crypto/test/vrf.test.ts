import { ed25519 } from '@noble/curves/ed25519.js'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { fromHex, toHex, utf8 } from '../src/node/index.ts'
import { challengeOf, littleEndianNumber } from '../src/vrf/challenge.ts'
import { encodeToCurve } from '../src/vrf/encode-to-curve.ts'
import { vrfKeyPair, vrfOutput, vrfProve, vrfVerify } from '../src/vrf/index.ts'
import { encodeProof } from '../src/vrf/proof.ts'
import { vectorText } from './vector-suite/load-vectors.ts'

interface VrfVector {
  readonly example: number
  readonly SK: string
  readonly PK: string
  readonly alpha: string
  readonly pi: string
  readonly beta: string
}

const { vectors } = JSON.parse(vectorText('vrf/ecvrf-edwards25519.json')) as { vectors: VrfVector[] }
const ALPHA = utf8('an input')
const { secretKey, publicKey } = vrfKeyPair(new Uint8Array(32).fill(7))
const PROOF = vrfProve(secretKey, ALPHA)
const ORDER = ed25519.Point.Fn.ORDER

function littleEndian(value: bigint): Uint8Array {
  return fromHex(value.toString(16).padStart(64, '0')).reverse()
}

function changed(bytes: Uint8Array, at: number, mask: number): Uint8Array {
  const copy = Uint8Array.from(bytes)
  copy[at]! ^= mask
  return copy
}

/**
 * A proof that satisfies the equations of RFC 9381 §5.3 for a key of small order: with Gamma = identity and a
 * challenge that such a key's order divides, neither takes part.
 */
function forged(key: Uint8Array): Uint8Array {
  const { BASE, ZERO } = ed25519.Point
  const [y, h] = [ed25519.Point.fromBytes(key), encodeToCurve(key, ALPHA)]
  for (let s = 1n; ; s++) {
    const challenge = challengeOf([y, h, ZERO, BASE.multiply(s), h.multiply(s)])
    if (y.multiplyUnsafe(littleEndianNumber(challenge)).is0()) return encodeProof(ZERO, challenge, s)
  }
}

describe('ECVRF-EDWARDS25519-SHA512-TAI', () => {
  test.each(vectors)('RFC 9381 example $example, byte for byte', (vector) => {
    const pair = vrfKeyPair(fromHex(vector.SK))
    const alpha = fromHex(vector.alpha)
    expect(toHex(pair.publicKey)).toBe(vector.PK)
    const proof = vrfProve(pair.secretKey, alpha)
    expect(toHex(proof)).toBe(vector.pi)
    expect(toHex(vrfOutput(proof))).toBe(vector.beta)
    expect(toHex(vrfVerify(pair.publicKey, alpha, proof)!)).toBe(vector.beta)
  })

  test('refuses another input and another key', () => {
    expect(vrfVerify(publicKey, utf8('an inpuT'), PROOF)).toBeUndefined()
    expect(vrfVerify(publicKey, new Uint8Array(0), PROOF)).toBeUndefined()
    const other = vrfKeyPair(new Uint8Array(32).fill(8))
    expect(vrfVerify(other.publicKey, ALPHA, PROOF)).toBeUndefined()
  })

  test('refuses each changed byte, each cut, and an extra byte', () => {
    for (let at = 0; at < PROOF.length; at++) {
      expect(vrfVerify(publicKey, ALPHA, changed(PROOF, at, 0x01)), `byte ${at}`).toBeUndefined()
      expect(vrfVerify(publicKey, ALPHA, changed(PROOF, at, 0x80)), `byte ${at}`).toBeUndefined()
      expect(vrfVerify(publicKey, ALPHA, PROOF.subarray(0, at)), `cut at ${at}`).toBeUndefined()
    }
    expect(vrfVerify(publicKey, ALPHA, Uint8Array.of(...PROOF, 0))).toBeUndefined()
    expect(vrfVerify(publicKey.subarray(1), ALPHA, PROOF)).toBeUndefined()
  })

  test('refuses an s that is not reduced, which would be a second proof', () => {
    const s = BigInt(`0x${toHex(PROOF.slice(48).reverse())}`)
    const second = Uint8Array.from(PROOF)
    second.set(littleEndian(s + ORDER), 48)
    expect(vrfVerify(publicKey, ALPHA, second)).toBeUndefined()
    expect(() => vrfOutput(second)).toThrow(expect.objectContaining({ code: 'WIRE_MALFORMED' }))
  })

  test('refuses public keys of small order, whose proofs anybody can make', () => {
    for (const key of SMALL_ORDER.map(fromHex)) {
      expect(vrfVerify(key, ALPHA, PROOF)).toBeUndefined()
      expect(vrfVerify(key, ALPHA, forged(key)), toHex(key)).toBeUndefined()
    }
  })

  test('refuses keys and Gammas that are not canonical', () => {
    // y = p + 1 is y = 1 written otherwise; 2^255 - 1 is y = 18.
    for (const bytes of [`ee${'ff'.repeat(30)}7f`, `${'ff'.repeat(31)}7f`, `01${'00'.repeat(30)}80`]) {
      expect(vrfVerify(fromHex(bytes), ALPHA, PROOF), bytes).toBeUndefined()
      const proof = Uint8Array.of(...fromHex(bytes), ...PROOF.subarray(32))
      expect(vrfVerify(publicKey, ALPHA, proof), bytes).toBeUndefined()
      expect(() => vrfOutput(proof)).toThrow(expect.objectContaining({ code: 'WIRE_MALFORMED' }))
    }
  })

  test('refuses a Gamma with another component of small order, under the same challenge', () => {
    const torsion = ed25519.Point.fromBytes(fromHex(SMALL_ORDER[2]!))
    const gamma = ed25519.Point.fromBytes(PROOF.subarray(0, 32)).add(torsion)
    const proof = Uint8Array.of(...gamma.toBytes(), ...PROOF.subarray(32))
    expect(vrfVerify(publicKey, ALPHA, proof)).toBeUndefined()
  })

  test('takes no key of another length', () => {
    expect(() => vrfKeyPair(new Uint8Array(31))).toThrow(TypeError)
    expect(() => vrfProve(new Uint8Array(64), ALPHA)).toThrow(TypeError)
  })

  test('what is proven verifies, with one output for each input', () => {
    const bytes32 = fc.uint8Array({ minLength: 32, maxLength: 32 })
    const property = fc.property(bytes32, fc.uint8Array({ maxLength: 300 }), (secret, alpha) => {
      const pair = vrfKeyPair(secret)
      const proof = vrfProve(secret, alpha)
      expect(vrfVerify(pair.publicKey, alpha, proof)).toEqual(vrfOutput(proof))
      expect(vrfProve(secret, alpha)).toEqual(proof)
    })
    fc.assert(property, { numRuns: 30 })
  })
})

/** Points of order 1, 2, 4 and 8, canonical. */
const SMALL_ORDER = [
  `01${'00'.repeat(31)}`,
  `ec${'ff'.repeat(30)}7f`,
  '00'.repeat(32),
  `${'00'.repeat(31)}80`,
  'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a',
  'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa',
  '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05',
  '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85',
]
