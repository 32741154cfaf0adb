import { ed25519 } from '@noble/curves/ed25519.js'
import { sha512 } from '@noble/hashes/sha2.js'
import { KeyhavenError } from '../error.ts'
import { CHALLENGE_BYTES, littleEndianNumber } from './challenge.ts'
import { decodePoint, POINT_BYTES, type Point } from './encode-to-curve.ts'
import { SUITE_STRING } from './suite-string.ts'

const SCALAR_BYTES = 32
/** pi: Gamma, challenge, s. */
export const VRF_PROOF_BYTES = POINT_BYTES + CHALLENGE_BYTES + SCALAR_BYTES
/** beta: one SHA-512. */
export const VRF_OUTPUT_BYTES = 64
const PROOF_TO_HASH_FRONT = 0x03
const PROOF_TO_HASH_BACK = 0x00

/** A proof taken apart (RFC 9381 §5.4.4). */
export interface DecodedProof {
  readonly gamma: Point
  readonly challenge: Uint8Array
  /** Below the order of the group. */
  readonly s: bigint
}

/** @returns undefined on another length, a Gamma that is no canonical point, or an s that is not reduced. */
export function decodeProof(proof: Uint8Array): DecodedProof | undefined {
  if (proof.length !== VRF_PROOF_BYTES) return undefined
  const gamma = decodePoint(proof.subarray(0, POINT_BYTES))
  const challenge = proof.subarray(POINT_BYTES, POINT_BYTES + CHALLENGE_BYTES)
  const s = littleEndianNumber(proof.subarray(POINT_BYTES + CHALLENGE_BYTES))
  return gamma && s < ed25519.Point.Fn.ORDER ? { gamma, challenge, s } : undefined
}

export function encodeProof(gamma: Point, challenge: Uint8Array, s: bigint): Uint8Array {
  const proof = new Uint8Array(VRF_PROOF_BYTES)
  proof.set(gamma.toBytes())
  proof.set(challenge, POINT_BYTES)
  for (let at = POINT_BYTES + CHALLENGE_BYTES, rest = s; rest > 0n; at++, rest >>= 8n) {
    proof[at] = Number(rest & 0xffn)
  }
  return proof
}

/** The output of a Gamma (RFC 9381 §5.2), without its cofactor. */
export function outputOf(gamma: Point): Uint8Array {
  return sha512
    .create()
    .update(Uint8Array.of(SUITE_STRING, PROOF_TO_HASH_FRONT))
    .update(gamma.clearCofactor().toBytes())
    .update(Uint8Array.of(PROOF_TO_HASH_BACK))
    .digest()
}

/**
 * The output that a proof stands for (ECVRF_proof_to_hash, RFC 9381 §5.2): beta, 64 bytes. It does not verify
 * the proof: only for proofs of one's own making.
 *
 * @throws KeyhavenError `WIRE_MALFORMED`
 */
export function vrfOutput(proof: Uint8Array): Uint8Array {
  const decoded = decodeProof(proof)
  if (!decoded) throw new KeyhavenError('WIRE_MALFORMED', 'not a VRF proof')
  return outputOf(decoded.gamma)
}
