import { type Awaitable, KeyhavenError } from '@keyhaven/crypto'
import { HASH_BYTES, leafHash, nodeHash, type TreeHasher } from '@keyhaven/directory/log'

/** A tree of RFC 6962 §2.1 held whole: of one batch, or of a key's recipients. */
export interface SmallTree {
  readonly size: number
  readonly root: Uint8Array
  /** Audit path of a leaf, leaf side first (RFC 6962 §2.1.1). */
  proof(index: number): Uint8Array[]
}

/** @throws TypeError without a leaf. */
export async function buildTree(hasher: TreeHasher, leaves: readonly Uint8Array[]): Promise<SmallTree> {
  if (leaves.length === 0) throw new TypeError('a tree needs a leaf')
  const levels = [await settle(leaves.map((leaf) => leafHash(hasher, leaf)))]
  while (levels.at(-1)!.length > 1) {
    const below = levels.at(-1)!
    const level: Awaitable<Uint8Array>[] = []
    for (let at = 0; at + 1 < below.length; at += 2) level.push(nodeHash(hasher, below[at]!, below[at + 1]!))
    // The last of an odd level has no sibling: it is its own parent.
    if (below.length % 2 === 1) level.push(below.at(-1)!)
    levels.push(await settle(level))
  }
  return {
    size: leaves.length,
    root: levels.at(-1)![0]!,
    proof(index) {
      if (!Number.isInteger(index) || index < 0 || index >= leaves.length) throw new TypeError('no such leaf')
      const siblings = levels.map((level, height) => level[Math.floor(index / 2 ** height) ^ 1])
      return siblings.slice(0, -1).filter((sibling) => sibling !== undefined)
    },
  }
}

/**
 * The root that a tree must have, if this leaf is in it at that place.
 *
 * @param hash - of the leaf.
 * @throws KeyhavenError `PROOF_INVALID` on an index outside, or a path of another length than the tree's.
 */
export async function rootOfProof(
  hasher: TreeHasher,
  hash: Uint8Array,
  place: { readonly index: number; readonly size: number },
  proof: readonly Uint8Array[],
): Promise<Uint8Array> {
  let { index, size } = place
  if (!Number.isSafeInteger(size) || !Number.isSafeInteger(index) || index < 0 || index >= size) {
    throw notProven()
  }
  let root = hash
  let at = 0
  for (; size > 1; size = Math.ceil(size / 2), index = Math.floor(index / 2)) {
    const isLeft = index % 2 === 0
    if (isLeft && index === size - 1) continue
    const sibling = proof[at++]
    if (sibling?.length !== HASH_BYTES) throw notProven()
    root = await (isLeft ? nodeHash(hasher, root, sibling) : nodeHash(hasher, sibling, root))
  }
  if (at !== proof.length) throw notProven()
  return root
}

function notProven(): KeyhavenError {
  return new KeyhavenError('PROOF_INVALID', 'the item is not proven to be in the tree')
}

/** Without a turn of the event loop where the backend answers at once. */
function settle(hashes: readonly Awaitable<Uint8Array>[]): Awaitable<Uint8Array[]> {
  return hashes.some((hash) => hash instanceof Promise) ? Promise.all(hashes) : (hashes as Uint8Array[])
}
