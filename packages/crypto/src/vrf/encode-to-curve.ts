import { ed25519 } from '@noble/curves/ed25519.js'
import { sha512 } from '@noble/hashes/sha2.js'
import { SUITE_STRING } from './suite-string.ts'

export type Point = InstanceType<typeof ed25519.Point>

export const POINT_BYTES = 32
const ENCODE_TO_CURVE_FRONT = 0x01
const ENCODE_TO_CURVE_BACK = 0x00
const MAX_COUNTER = 255

/**
 * Hashes an input to a point of the prime-order group, trying counters until one fits (RFC 9381 §5.4.1.1).
 * Each try succeeds about every second time, so the time depends on the input: it must be no secret.
 */
export function encodeToCurve(publicKey: Uint8Array, alpha: Uint8Array): Point {
  const front = Uint8Array.of(SUITE_STRING, ENCODE_TO_CURVE_FRONT)
  for (let counter = 0; counter <= MAX_COUNTER; counter++) {
    const back = Uint8Array.of(counter, ENCODE_TO_CURVE_BACK)
    const hash = sha512.create().update(front).update(publicKey).update(alpha).update(back).digest()
    const point = decodePoint(hash.subarray(0, POINT_BYTES))?.clearCofactor()
    if (point && !point.is0()) return point
  }
  throw new RangeError('no point for this input') // one input in 2^256
}

/**
 * string_to_point of the suite (RFC 9381 §5.5): RFC 8032 §5.1.3, so a coordinate that is not reduced is
 * refused.
 *
 * @returns undefined if the bytes are no point.
 */
export function decodePoint(bytes: Uint8Array): Point | undefined {
  try {
    return ed25519.Point.fromBytes(bytes, false)
  } catch {
    return undefined
  }
}
