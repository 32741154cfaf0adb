/**
 * A perfect subtree of the log: the entries from `index` · 2^`level` on, 2^`level` of them. Level 0 are the
 * leaf hashes. Its hash never changes once it is full, so a store writes it once.
 */
export interface NodeId {
  readonly level: number
  readonly index: number
}

/** A node and its hash, 32 bytes: what a store keeps. */
export interface LogNode extends NodeId {
  readonly hash: Uint8Array
}

/** Port: reads stored nodes. */
export interface LogNodes {
  /**
   * @returns the hashes in the order asked for.
   * @throws if one of them is not stored: it never leaves one out.
   */
  read(nodes: readonly NodeId[]): Promise<readonly Uint8Array[]>
}

/** Most entries of a log: a tree size is a safe integer. */
export const MAX_LOG_SIZE = Number.MAX_SAFE_INTEGER

/** @throws TypeError unless it is a whole number from 0 to {@link MAX_LOG_SIZE}: our own caller gave it. */
export function requireSize(size: number, what: string): void {
  if (!isLogSize(size)) throw new TypeError(`${what} must be a whole number from 0 to 2^53 - 1`)
}

export function isLogSize(size: number): boolean {
  return Number.isSafeInteger(size) && size >= 0
}

/** k of RFC 6962 §2.1: the largest power of two smaller than `size`, which is at least 2. */
export function splitPoint(size: number): number {
  let power = 1
  while (power * 2 < size) power *= 2
  return power
}

/**
 * The perfect subtrees that make up the entries from `start` to `end` (not included), left to right, largest
 * first. `start` must be a place where RFC 6962 splits a tree; 0 always is.
 */
export function coveringNodes(start: number, end: number): NodeId[] {
  const nodes: NodeId[] = []
  let width = 1
  let level = 0
  while (width * 2 <= end - start) {
    width *= 2
    level += 1
  }
  for (let at = start; at < end; level -= 1, width /= 2) {
    if (width > end - at) continue
    nodes.push({ level, index: at / width })
    at += width
  }
  return nodes
}
