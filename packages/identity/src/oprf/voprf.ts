import { KeyhavenError, overwrite, utf8, Writer } from '@keyhaven/crypto'
import { loadRistretto255, type Ristretto255 } from './ristretto255.ts'
import { isProofValid, proveEvaluation, VOPRF_CONTEXT } from './voprf-proof.ts'

/** RFC 9497 §4.1: ristretto255-SHA512, in the verifiable mode (§3.3.2). */
export const OPRF_SUITE = 'ristretto255-SHA512'
export const OPRF_ELEMENT_BYTES = 32
export const OPRF_SCALAR_BYTES = 32
/** c and s. */
export const OPRF_PROOF_BYTES = 64
/** Elements in one evaluation: a proof covers all of them. */
export const MAX_OPRF_ELEMENTS = 256

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

export async function generateOprfKeyPair(): Promise<OprfKeyPair> {
  const group = await loadRistretto255()
  const secretKey = group.randomScalar()
  return { secretKey, publicKey: group.multiplyBase(secretKey) }
}

/** Blind (RFC 9497 §3.3.2). */
export async function blindInput(input: Uint8Array): Promise<BlindedInput> {
  const group = await loadRistretto255()
  const blind = group.randomScalar()
  return { input, blind, blinded: group.multiply(blind, group.hashToGroup(input, VOPRF_CONTEXT)) }
}

/**
 * BlindEvaluate for a batch (RFC 9497 §3.3.2), with one proof.
 *
 * @throws KeyhavenError `WIRE_MALFORMED` on bytes that are no element, or the identity.
 */
export async function evaluateBlinded(
  { secretKey, publicKey }: OprfKeyPair,
  blinded: readonly Uint8Array[],
): Promise<OprfEvaluation> {
  const group = await loadRistretto255()
  try {
    const evaluated = blinded.map((element) => group.multiply(secretKey, element))
    return { evaluated, proof: proveEvaluation(group, secretKey, { publicKey, blinded, evaluated }) }
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
export async function finalizeEvaluation(
  inputs: readonly BlindedInput[],
  publicKey: Uint8Array,
  { evaluated, proof }: OprfEvaluation,
): Promise<Uint8Array[]> {
  const group = await loadRistretto255()
  if (evaluated.length !== inputs.length || proof.length !== OPRF_PROOF_BYTES) throw invalid()
  try {
    const blinded = inputs.map((input) => input.blinded)
    if (isProofValid(group, { publicKey, blinded, evaluated }, proof)) {
      return inputs.map(({ input, blind }, at) => {
        const inverse = group.invertScalar(blind)
        const output = outputOf(group, input, group.multiply(inverse, evaluated[at]!))
        overwrite(inverse)
        return output
      })
    }
  } catch (cause) {
    throw invalid(cause)
  }
  throw invalid()
}

/** The output for an input, with the secret key at hand: what a thief of the key can do. */
export async function evaluateDirectly(secretKey: Uint8Array, input: Uint8Array): Promise<Uint8Array> {
  const group = await loadRistretto255()
  return outputOf(group, input, group.multiply(secretKey, group.hashToGroup(input, VOPRF_CONTEXT)))
}

/** The hash at the end of Finalize. */
function outputOf(group: Ristretto255, input: Uint8Array, unblinded: Uint8Array): Uint8Array {
  return group.hash(new Writer().bytes16(input).bytes16(unblinded).bytes(utf8('Finalize')).done())
}

function invalid(cause?: unknown): KeyhavenError {
  return new KeyhavenError('PROOF_INVALID', 'the oblivious PRF did not use the key that it named', { cause })
}
