import { coveringNodes, type LogNode, MAX_LOG_SIZE, type NodeId, requireSize } from './node-id.ts'
import { emptyRoot, nodeHash, type TreeHasher } from './tree-hash.ts'

/** What an append must know of a log: as much as the number of bits of its size. */
export interface LogHead {
  /** Number of entries. */
  readonly size: number
  /** Hashes of {@link peakNodes} of the size, 32 bytes each: left to right, largest subtree first. */
  readonly peaks: readonly Uint8Array[]
}

export interface AppendedLog extends LogHead {
  /** Root at the new size. */
  readonly root: Uint8Array
  /** Every node that this append completed, leaves too: store them all, in the same transaction. */
  readonly nodes: readonly LogNode[]
}

/** Which nodes the peaks of a log of this size are. */
export function peakNodes(size: number): NodeId[] {
  requireSize(size, 'size')
  return coveringNodes(0, size)
}

/** Root of the tree (RFC 6962 §2.1): the peaks, hashed together from the right. */
export async function rootOf(hasher: TreeHasher, peaks: readonly Uint8Array[]): Promise<Uint8Array> {
  let root = peaks.at(-1)
  if (!root) return emptyRoot(hasher)
  for (let at = peaks.length - 2; at >= 0; at--) {
    const hash = nodeHash(hasher, peaks[at]!, root)
    root = hash instanceof Promise ? await hash : hash
  }
  return root
}

/**
 * Appends leaf hashes to a log. Each costs two hashes on average, whatever the size, and the root as many as
 * there are peaks.
 *
 * @throws TypeError if the number of peaks does not fit the size, or the log would grow beyond
 * {@link MAX_LOG_SIZE}.
 */
export async function appendToPeaks(
  hasher: TreeHasher,
  head: LogHead,
  leafHashes: readonly Uint8Array[],
): Promise<AppendedLog> {
  const levels = peakNodes(head.size).map((node) => node.level)
  if (levels.length !== head.peaks.length) throw new TypeError('the peaks do not fit the size of the log')
  if (leafHashes.length > MAX_LOG_SIZE - head.size) throw new TypeError('the log is full')
  const peaks = [...head.peaks]
  const nodes: LogNode[] = []
  let size = head.size
  for (const leaf of leafHashes) {
    let node: LogNode = { level: 0, index: size, hash: leaf }
    nodes.push(node)
    while (levels.at(-1) === node.level) {
      levels.pop()
      const parent = nodeHash(hasher, peaks.pop()!, node.hash)
      const hash = parent instanceof Promise ? await parent : parent
      node = { level: node.level + 1, index: (node.index - 1) / 2, hash }
      nodes.push(node)
    }
    levels.push(node.level)
    peaks.push(node.hash)
    size += 1
  }
  return { size, peaks, root: await rootOf(hasher, peaks), nodes }
}
