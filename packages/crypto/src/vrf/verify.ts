import { mulAddUnsafe } from '@noble/curves/abstract/curve.js'
import { ed25519 } from '@noble/curves/ed25519.js'
import { equalConstantTime } from '../equal-constant-time.ts'
import { challengeOf, littleEndianNumber } from './challenge.ts'
import { decodePoint, encodeToCurve, POINT_BYTES } from './encode-to-curve.ts'
import { decodeProof, outputOf } from './proof.ts'

/**
 * Verifies a proof (ECVRF_verify with validate_key, RFC 9381 §5.3, §5.4.5). It takes milliseconds.
 *
 * @param publicKey - 32 bytes.
 * @param proof - pi, 80 bytes.
 * @returns beta, 64 bytes; undefined on a key that is not canonical or of small order, a malformed proof, or
 * one of another key or input: whatever was wrong.
 */
export function vrfVerify(
  publicKey: Uint8Array,
  alpha: Uint8Array,
  proof: Uint8Array,
): Uint8Array | undefined {
  const y = publicKey.length === POINT_BYTES ? decodePoint(publicKey) : undefined
  const decoded = decodeProof(proof)
  if (!y || !decoded || y.isSmallOrder()) return undefined
  const { gamma, challenge, s } = decoded
  const c = littleEndianNumber(challenge)
  const h = encodeToCurve(publicKey, alpha)
  // All values are public, so the faster multiplications may be used; two that share their doublings take a fifth less.
  const u = ed25519.Point.BASE.multiplyUnsafe(s).subtract(y.multiplyUnsafe(c))
  const v = mulAddUnsafe(ed25519.Point, [h, gamma.negate()], [s, c])
  return equalConstantTime(challengeOf([y, h, gamma, u, v]), challenge) ? outputOf(gamma) : undefined
}
