import { ed25519 } from '@noble/curves/ed25519.js'
import { sha512 } from '@noble/hashes/sha2.js'
import { overwrite } from '../overwrite.ts'
import { requireArgumentLength } from '../require-length.ts'
import { challengeOf, littleEndianNumber } from './challenge.ts'
import { encodeToCurve } from './encode-to-curve.ts'
import { encodeProof } from './proof.ts'

export const VRF_SECRET_KEY_BYTES = 32
export const VRF_PUBLIC_KEY_BYTES = 32

export interface VrfKeyPair {
  /** The 32 bytes given: an Ed25519 secret key. Use it for nothing else. */
  readonly secretKey: Uint8Array
  /** 32 bytes. */
  readonly publicKey: Uint8Array
}

/**
 * Key pair of ECVRF-EDWARDS25519-SHA512-TAI (RFC 9381 §5.5).
 *
 * @param secret - 32 random bytes.
 * @throws TypeError on another length.
 */
export function vrfKeyPair(secret: Uint8Array): VrfKeyPair {
  requireArgumentLength(secret, VRF_SECRET_KEY_BYTES, 'VRF secret key')
  return { secretKey: secret, publicKey: ed25519.getPublicKey(secret) }
}

/**
 * Proves the VRF's output at `alpha` (ECVRF_prove, RFC 9381 §5.1). It takes milliseconds, and is
 * always the same for one key and input: keep it with what it labels.
 *
 * @param alpha - no secret: the time depends on it.
 * @returns pi, 80 bytes.
 * @throws TypeError if the key is not 32 bytes.
 */
export function vrfProve(secretKey: Uint8Array, alpha: Uint8Array): Uint8Array {
  requireArgumentLength(secretKey, VRF_SECRET_KEY_BYTES, 'VRF secret key')
  const { prefix, scalar, point, pointBytes } = ed25519.utils.getExtendedPublicKey(secretKey)
  const h = encodeToCurve(pointBytes, alpha)
  const gamma = h.multiply(scalar)
  const k = nonceOf(prefix, h.toBytes())
  const challenge = challengeOf([point, h, gamma, ed25519.Point.BASE.multiply(k), h.multiply(k)])
  const order = ed25519.Point.Fn.ORDER
  const s = (k + littleEndianNumber(challenge) * scalar) % order
  overwrite(prefix)
  return encodeProof(gamma, challenge, s)
}

/** ECVRF_nonce_generation_RFC8032 (RFC 9381 §5.4.2.2). */
function nonceOf(prefix: Uint8Array, h: Uint8Array): bigint {
  const hash = sha512.create().update(prefix).update(h).digest()
  const k = littleEndianNumber(hash) % ed25519.Point.Fn.ORDER
  overwrite(hash)
  return k
}
