import type { Awaitable, CryptoBackend } from '@keyhaven/crypto'

/** Bytes of every hash in the log: SHA-256. */
export const HASH_BYTES = 32
/** RFC 6962 §2.1: a leaf and an inner node are hashed behind different bytes. */
const LEAF_PREFIX = 0x00
const NODE_PREFIX = 0x01
const NODE_INPUT_BYTES = 1 + 2 * HASH_BYTES

/** All that the tree needs of a backend. */
export type TreeHasher = Pick<CryptoBackend, 'sha256'>

/** MTH of one entry (RFC 6962 §2.1): SHA-256(0x00 ‖ entry). */
export function leafHash(hasher: TreeHasher, entry: Uint8Array): Awaitable<Uint8Array> {
  const input = new Uint8Array(1 + entry.length)
  input[0] = LEAF_PREFIX
  input.set(entry, 1)
  return hasher.sha256(input)
}

/** Hash of an inner node (RFC 6962 §2.1): SHA-256(0x01 ‖ left ‖ right). */
export function nodeHash(hasher: TreeHasher, left: Uint8Array, right: Uint8Array): Awaitable<Uint8Array> {
  const input = new Uint8Array(NODE_INPUT_BYTES)
  input[0] = NODE_PREFIX
  input.set(left, 1)
  input.set(right, 1 + HASH_BYTES)
  return hasher.sha256(input)
}

/** Root of a tree with no leaf (RFC 6962 §2.1): the hash of nothing. */
export function emptyRoot(hasher: TreeHasher): Awaitable<Uint8Array> {
  return hasher.sha256(new Uint8Array(0))
}
