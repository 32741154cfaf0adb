import { equalConstantTime, utf8, Writer } from '@keyhaven/crypto'
import type { Ristretto255 } from './ristretto255.ts'

/** contextString of the verifiable mode (RFC 9497 §3.1). */
export const VOPRF_CONTEXT = 'OPRFV1-\u0001-ristretto255-SHA512'
const SEED_TAG = utf8(`Seed-${VOPRF_CONTEXT}`)
const SCALAR_BYTES = 32

/** What a proof is about: each evaluated element is the blinded one times the key's scalar. */
export interface ProofStatement {
  readonly publicKey: Uint8Array
  readonly blinded: readonly Uint8Array[]
  readonly evaluated: readonly Uint8Array[]
}

/**
 * GenerateProof (RFC 9497 §2.2.1).
 *
 * @param random - fresh scalar; given only to repeat the RFC's vectors.
 * @returns c and s, 64 bytes.
 */
export function proveEvaluation(
  group: Ristretto255,
  secretKey: Uint8Array,
  statement: ProofStatement,
  random: Uint8Array = group.randomScalar(),
): Uint8Array {
  const m = sumOfProducts(group, compositeWeights(group, statement), statement.blinded)
  const z = group.multiply(secretKey, m)
  const t2 = group.multiplyBase(random)
  const t3 = group.multiply(random, m)
  const c = challenge(group, [statement.publicKey, m, z, t2, t3])
  return new Writer()
    .bytes(c)
    .bytes(group.subtractProduct(random, c, secretKey))
    .done()
}

/** VerifyProof (RFC 9497 §2.2.2). @throws Error on bytes that are no element. */
export function isProofValid(group: Ristretto255, statement: ProofStatement, proof: Uint8Array): boolean {
  const [c, s] = [proof.subarray(0, SCALAR_BYTES), proof.subarray(SCALAR_BYTES)]
  if (!group.isCanonical(c) || !group.isCanonical(s)) return false
  const weights = compositeWeights(group, statement)
  const m = sumOfProducts(group, weights, statement.blinded)
  const z = sumOfProducts(group, weights, statement.evaluated)
  const t2 = group.add(group.multiplyBase(s), group.multiply(c, statement.publicKey))
  const t3 = group.add(group.multiply(s, m), group.multiply(c, z))
  return equalConstantTime(c, challenge(group, [statement.publicKey, m, z, t2, t3]))
}

/** The scalars of ComputeComposites (RFC 9497 §2.2.1). */
function compositeWeights(group: Ristretto255, { publicKey, blinded, evaluated }: ProofStatement) {
  const seed = group.hash(new Writer().bytes16(publicKey).bytes16(SEED_TAG).done())
  return blinded.map((element, at) => {
    const transcript = new Writer().bytes16(seed).u16(at).bytes16(element).bytes16(evaluated[at]!)
    return group.hashToScalar(transcript.bytes(utf8('Composite')).done(), VOPRF_CONTEXT)
  })
}

function sumOfProducts(
  group: Ristretto255,
  weights: readonly Uint8Array[],
  elements: readonly Uint8Array[],
): Uint8Array {
  return elements.map((element, at) => group.multiply(weights[at]!, element)).reduce(group.add)
}

function challenge(group: Ristretto255, elements: readonly Uint8Array[]): Uint8Array {
  const transcript = new Writer()
  for (const element of elements) transcript.bytes16(element)
  return group.hashToScalar(transcript.bytes(utf8('Challenge')).done(), VOPRF_CONTEXT)
}
