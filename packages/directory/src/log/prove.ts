import { coveringNodes, type LogNodes, requireSize, splitPoint } from './node-id.ts'
import { rootOf } from './peaks.ts'
import { emptyRoot, type TreeHasher } from './tree-hash.ts'

/** Entries from `start` to `end`, not included: one subtree of RFC 6962 §2.1. */
type Range = readonly [start: number, end: number]

/**
 * Audit path of one entry, leaf side first (RFC 6962 §2.1.1): one read of as many nodes as the size has bits,
 * or a few more.
 *
 * @throws TypeError if the log of that size has no such entry.
 */
export async function inclusionProof(
  hasher: TreeHasher,
  nodes: LogNodes,
  index: number,
  size: number,
): Promise<Uint8Array[]> {
  requireSize(size, 'size')
  requireSize(index, 'index')
  if (index >= size) throw new TypeError('the log of that size has no such entry')
  const siblings: Range[] = []
  let [start, end] = [0, size]
  while (end - start > 1) {
    const middle = start + splitPoint(end - start)
    siblings.push(index < middle ? [middle, end] : [start, middle])
    if (index < middle) end = middle
    else start = middle
  }
  return hashRanges(hasher, nodes, siblings.reverse())
}

/**
 * Proof that the log of `size1` is the beginning of the log of `size2` (RFC 6962 §2.1.2). Empty if `size1` is
 * 0 or equal to `size2`.
 *
 * @throws TypeError if `size1` is larger.
 */
export async function consistencyProof(
  hasher: TreeHasher,
  nodes: LogNodes,
  size1: number,
  size2: number,
): Promise<Uint8Array[]> {
  requireSize(size1, 'size1')
  requireSize(size2, 'size2')
  if (size1 > size2) throw new TypeError('a log never shrinks')
  const ranges: Range[] = []
  if (size1 === 0) return hashRanges(hasher, nodes, ranges)
  let [start, end] = [0, size2]
  while (end !== size1) {
    const middle = start + splitPoint(end - start)
    ranges.push(size1 <= middle ? [middle, end] : [start, middle])
    if (size1 <= middle) end = middle
    else start = middle
  }
  // The verifier knows this subtree's hash already if it is the whole old log (b of SUBPROOF).
  if (start > 0) ranges.push([start, end])
  return hashRanges(hasher, nodes, ranges.reverse())
}

/** Root of the log when it had `size` entries. */
export async function rootAtSize(hasher: TreeHasher, nodes: LogNodes, size: number): Promise<Uint8Array> {
  requireSize(size, 'size')
  if (size === 0) return emptyRoot(hasher)
  return (await hashRanges(hasher, nodes, [[0, size]]))[0]!
}

/** All nodes in one read: a range that is not a perfect subtree is hashed from the ones it is made of. */
async function hashRanges(
  hasher: TreeHasher,
  nodes: LogNodes,
  ranges: readonly Range[],
): Promise<Uint8Array[]> {
  if (ranges.length === 0) return []
  const covers = ranges.map(([start, end]) => coveringNodes(start, end))
  const wanted = covers.flat()
  const read = await nodes.read(wanted)
  if (read.length !== wanted.length) throw new TypeError('the store left out a node')
  const hashes: Uint8Array[] = []
  let at = 0
  for (const cover of covers) {
    const parts = read.slice(at, at + cover.length)
    at += cover.length
    hashes.push(parts.length === 1 ? parts[0]! : await rootOf(hasher, parts))
  }
  return hashes
}
