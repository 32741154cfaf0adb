import { KeyhavenError } from '@keyhaven/crypto'
import { ristretto255_oprf } from '@noble/curves/ed25519.js'

/** RFC 9497 §4.1: ristretto255-SHA512, in the verifiable mode (§3.3.2). */
export const OPRF_SUITE = 'ristretto255-SHA512'
export const OPRF_ELEMENT_BYTES = 32
export const OPRF_SCALAR_BYTES = 32
/** c and s. */
export const OPRF_PROOF_BYTES = 64
/** Elements in one evaluation: a proof covers all of them. */
export const MAX_OPRF_ELEMENTS = 256

const { oprf, voprf } = ristretto255_oprf

export interface OprfKeyPair {
  /** Scalar, 32 bytes. */
  readonly secretKey: Uint8Array
  /** Element, 32 bytes. */
  readonly publicKey: Uint8Array
}

/** An input hidden from the server. `blind` stays with the client and is used once. */
export interface BlindedInput {
  readonly input: Uint8Array
  readonly blind: Uint8Array
  readonly blinded: Uint8Array
}

export interface OprfEvaluation {
  /** In the order of the blinded elements. */
  readonly evaluated: readonly Uint8Array[]
  /** That all were evaluated with the secret key of the public key (RFC 9497 §2.2.1). */
  readonly proof: Uint8Array
}

export function generateOprfKeyPair(): OprfKeyPair {
  return voprf.generateKeyPair()
}

/** Blind (RFC 9497 §3.3.2). */
export function blindInput(input: Uint8Array): BlindedInput {
  return { input, ...voprf.blind(input) }
}

/**
 * BlindEvaluate for a batch (RFC 9497 §3.3.2), with one proof.
 *
 * @throws KeyhavenError `WIRE_MALFORMED` on bytes that are no element, or the identity.
 */
export function evaluateBlinded(keys: OprfKeyPair, blinded: readonly Uint8Array[]): OprfEvaluation {
  for (const element of blinded) requireElement(element)
  try {
    return voprf.blindEvaluateBatch(keys.secretKey, keys.publicKey, [...blinded])
  } catch (cause) {
    throw new KeyhavenError('WIRE_MALFORMED', 'not an element of ristretto255', { cause })
  }
}

/**
 * Finalize for a batch (RFC 9497 §3.3.2): verifies the proof, removes the blinds.
 *
 * @returns one output of 64 bytes for each input.
 * @throws KeyhavenError `PROOF_INVALID` if the server did not use the key of `publicKey` for all of them.
 */
export function finalizeEvaluation(
  inputs: readonly BlindedInput[],
  publicKey: Uint8Array,
  { evaluated, proof }: OprfEvaluation,
): Uint8Array[] {
  if (evaluated.length !== inputs.length || proof.length !== OPRF_PROOF_BYTES) throw invalid()
  try {
    const items = inputs.map((input, at) => ({ ...input, evaluated: evaluated[at]! }))
    return voprf.finalizeBatch(items, publicKey, proof)
  } catch (cause) {
    throw invalid(cause)
  }
}

/**
 * The output for an input, with the secret key at hand: what a thief of the key can do. The mode's context is
 * in the blinding only (RFC 9497 §3.3.2), so the rest is that of the mode without a proof.
 */
export function evaluateDirectly(secretKey: Uint8Array, input: Uint8Array): Uint8Array {
  const { blind, blinded } = voprf.blind(input)
  return oprf.finalize(input, blind, oprf.blindEvaluate(secretKey, blinded))
}

function requireElement(bytes: Uint8Array): void {
  if (bytes.length !== OPRF_ELEMENT_BYTES) throw new KeyhavenError('WIRE_MALFORMED', 'OPRF element')
}

function invalid(cause?: unknown): KeyhavenError {
  return new KeyhavenError('PROOF_INVALID', 'the oblivious PRF did not use the key that it named', { cause })
}
