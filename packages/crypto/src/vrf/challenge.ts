import { sha512 } from '@noble/hashes/sha2.js'
import type { Point } from './encode-to-curve.ts'
import { SUITE_STRING } from './suite-string.ts'

/** cLen of the suite (RFC 9381 §5.5). */
export const CHALLENGE_BYTES = 16
const CHALLENGE_FRONT = 0x02
const CHALLENGE_BACK = 0x00

/** ECVRF_challenge_generation (RFC 9381 §5.4.3) over public key, H, Gamma, U and V. */
export function challengeOf(points: readonly [Point, Point, Point, Point, Point]): Uint8Array {
  const hash = sha512.create().update(Uint8Array.of(SUITE_STRING, CHALLENGE_FRONT))
  for (const point of points) hash.update(point.toBytes())
  return hash.update(Uint8Array.of(CHALLENGE_BACK)).digest().subarray(0, CHALLENGE_BYTES)
}

/** string_to_int of the suite: little-endian (RFC 9381 §5.5). */
export function littleEndianNumber(bytes: Uint8Array): bigint {
  let value = 0n
  for (let at = bytes.length - 1; at >= 0; at--) value = (value << 8n) | BigInt(bytes[at]!)
  return value
}
