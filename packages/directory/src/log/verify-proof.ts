import { equalConstantTime, KeyhavenError } from '@keyhaven/crypto'
import { isLogSize } from './node-id.ts'
import { emptyRoot, HASH_BYTES, nodeHash, type TreeHasher } from './tree-hash.ts'

/** No proof is longer: a size has at most 53 bits, and a consistency proof one hash more. */
export const MAX_PROOF_HASHES = 63

export interface InclusionClaim {
  readonly leafHash: Uint8Array
  readonly index: number
  readonly size: number
  /** Leaf side first, 32 bytes each. */
  readonly proof: readonly Uint8Array[]
  /** Root of the log at `size`, from a checkpoint. */
  readonly root: Uint8Array
}

export interface ConsistencyClaim {
  readonly size1: number
  readonly root1: Uint8Array
  readonly size2: number
  readonly root2: Uint8Array
  readonly proof: readonly Uint8Array[]
}

/**
 * Checks that an entry is in the log (RFC 9162 §2.1.3.2, which spells out the check of RFC 6962 §2.1.1).
 *
 * @throws KeyhavenError `PROOF_INVALID`
 */
export async function verifyInclusion(hasher: TreeHasher, claim: InclusionClaim): Promise<void> {
  const { index, size, proof, root } = claim
  const fits = isLogSize(size) && isLogSize(index) && index < size
  if (!fits || !areHashes([claim.leafHash, root]) || !areProofHashes(proof)) throw notIncluded()
  let [node, last] = [index, size - 1]
  let hash = claim.leafHash
  for (const sibling of proof) {
    if (last === 0) throw notIncluded()
    const isLeft = isOdd(node) || node === last
    const parent = isLeft ? nodeHash(hasher, sibling, hash) : nodeHash(hasher, hash, sibling)
    hash = parent instanceof Promise ? await parent : parent
    ;[node, last] = isLeft ? parentOfRight(node, last) : [half(node), half(last)]
  }
  if (last !== 0 || !equalConstantTime(hash, root)) throw notIncluded()
}

/**
 * Checks that a log of `size2` begins with the log of `size1` (RFC 9162 §2.1.4.2). A log of size 0 has the
 * root of the empty tree and begins every log, with an empty proof.
 *
 * @throws KeyhavenError `LOG_INCONSISTENT`, also if the log shrank.
 */
export async function verifyConsistency(hasher: TreeHasher, claim: ConsistencyClaim): Promise<void> {
  const { size1, root1, size2, root2, proof } = claim
  const fits = isLogSize(size1) && isLogSize(size2) && size1 <= size2
  if (!fits || !areHashes([root1, root2]) || !areProofHashes(proof)) throw inconsistent()
  if (size1 === size2 || size1 === 0) {
    const known = size1 === size2 ? root2 : await emptyRoot(hasher)
    if (proof.length > 0 || !equalConstantTime(root1, known)) throw inconsistent()
    if (size2 === 0 && !equalConstantTime(root2, await emptyRoot(hasher))) throw inconsistent()
    return
  }
  let [node, last] = [size1 - 1, size2 - 1]
  while (isOdd(node)) [node, last] = [half(node), half(last)]
  // A log of 2^n entries is itself the first subtree, so its root is not in the proof.
  const path = node === 0 ? [root1, ...proof] : proof
  if (path.length === 0) throw inconsistent()
  let [hash1, hash2] = [path[0]!, path[0]!]
  for (const sibling of path.slice(1)) {
    if (last === 0) throw inconsistent()
    const isLeft = isOdd(node) || node === last
    if (isLeft) {
      const parent1 = nodeHash(hasher, sibling, hash1)
      hash1 = parent1 instanceof Promise ? await parent1 : parent1
    }
    const parent2 = isLeft ? nodeHash(hasher, sibling, hash2) : nodeHash(hasher, hash2, sibling)
    hash2 = parent2 instanceof Promise ? await parent2 : parent2
    ;[node, last] = isLeft ? parentOfRight(node, last) : [half(node), half(last)]
  }
  if (last !== 0 || !equalConstantTime(hash1, root1) || !equalConstantTime(hash2, root2)) throw inconsistent()
}

/** Up from a node that was a right child, or the last one: levels where it has no sibling are passed over. */
function parentOfRight(node: number, last: number): [number, number] {
  let [up, lastUp] = [node, last]
  while (!isOdd(up) && up !== 0) [up, lastUp] = [half(up), half(lastUp)]
  return [half(up), half(lastUp)]
}

function isOdd(value: number): boolean {
  return value % 2 === 1
}

/** Shift right by one; the operators of JavaScript would cut to 32 bits. */
function half(value: number): number {
  return Math.floor(value / 2)
}

function areProofHashes(proof: readonly Uint8Array[]): boolean {
  return proof.length <= MAX_PROOF_HASHES && areHashes(proof)
}

function areHashes(hashes: readonly Uint8Array[]): boolean {
  return hashes.every((hash) => hash.length === HASH_BYTES)
}

function notIncluded(): KeyhavenError {
  return new KeyhavenError('PROOF_INVALID', 'the entry is not proven to be in the log')
}

function inconsistent(): KeyhavenError {
  return new KeyhavenError('LOG_INCONSISTENT', 'the log is not proven to continue the one known before')
}
