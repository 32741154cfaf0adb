import { type CryptoBackend, fromBase64url, KeyhavenError, toBase64url } from '@keyhaven/crypto'
import {
  encodeLeaf,
  entryCommitment,
  HASH_BYTES,
  leafHash,
  MAX_PROOF_HASHES,
  OPENING_BYTES,
  verifyInclusion,
} from '@keyhaven/directory/log'
import { malformed, requireHash, requireMembers, requireWhole } from '@keyhaven/messaging'
import { buildTree, rootOfProof } from './small-tree.ts'

/** Items of one leaf. */
export const MAX_BATCH_ITEMS = 65_536

/** Where an item lies under its leaf of the log. Hashes: base64url. */
export interface BatchCommitment {
  /** 32 random bytes, base64url: given out only to who may see the item. */
  readonly opening: string
  readonly batchIndex: number
  /** Gives the path its form. Nothing proves that a batch held so many. */
  readonly batchSize: number
  /** Audit path in the batch, leaf side first. */
  readonly batchProof: readonly string[]
}

/** A {@link BatchCommitment} whose leaf is in the log. */
export interface Commitment extends BatchCommitment {
  /** Of the batch's leaf. */
  readonly logIndex: number
}

/** A proof against a checkpoint. */
export interface LogProof {
  readonly size: number
  /** Root of the log at `size`, from a checkpoint that was verified. */
  readonly root: Uint8Array
  /** Of the batch's leaf, leaf side first. */
  readonly proof: readonly Uint8Array[]
}

/**
 * Commits to many items with one leaf. Item commitment: SHA-256(opening, 32 random bytes | item). The leaf's
 * 32 bytes are the root of the tree over the item commitments (RFC 6962 §2.1), so that the log does not tell
 * how many there are.
 *
 * @param items - 1 to {@link MAX_BATCH_ITEMS}, in order.
 * @returns `leaf`: the log's leaf, encoded, of kind `commitment`; `commitments`: one for each item.
 * @throws TypeError on no item or too many.
 */
export async function commitBatch(
  backend: Pick<CryptoBackend, 'sha256' | 'randomBytes'>,
  items: readonly Uint8Array[],
): Promise<{ readonly leaf: Uint8Array; readonly commitments: readonly BatchCommitment[] }> {
  if (items.length > MAX_BATCH_ITEMS) throw new TypeError(`a batch has at most ${MAX_BATCH_ITEMS} items`)
  const random = backend.randomBytes(OPENING_BYTES * items.length)
  const openings = items.map((_, at) => random.subarray(at * OPENING_BYTES, (at + 1) * OPENING_BYTES))
  const leaves: Uint8Array[] = []
  for (const [at, item] of items.entries()) {
    const commitment = entryCommitment(backend, openings[at]!, item)
    leaves.push(commitment instanceof Promise ? await commitment : commitment)
  }
  const tree = await buildTree(backend, leaves)
  return {
    leaf: encodeLeaf({ kind: 'commitment', commitment: tree.root }),
    commitments: openings.map((opening, batchIndex) => ({
      opening: toBase64url(opening),
      batchIndex,
      batchSize: tree.size,
      batchProof: tree.proof(batchIndex).map(toBase64url),
    })),
  }
}

/**
 * Checks that an item was committed to in the log.
 *
 * @param item - its exact bytes.
 * @throws KeyhavenError `PROOF_INVALID`
 */
export async function verifyCommitment(
  backend: Pick<CryptoBackend, 'sha256'>,
  item: Uint8Array,
  commitment: Commitment,
  log: LogProof,
): Promise<void> {
  const root = await batchRoot(backend, item, commitment)
  const leaf = encodeLeaf({ kind: 'commitment', commitment: root })
  const { size, proof } = log
  const claim = { leafHash: await leafHash(backend, leaf), index: commitment.logIndex, size, proof }
  await verifyInclusion(backend, { ...claim, root: log.root })
}

/** What the batch's root must be, if the item is in it. */
async function batchRoot(
  backend: Pick<CryptoBackend, 'sha256'>,
  item: Uint8Array,
  { opening, batchIndex, batchSize, batchProof }: BatchCommitment,
): Promise<Uint8Array> {
  const hash = await leafHash(backend, await entryCommitment(backend, hashOf(opening), item))
  return rootOfProof(backend, hash, { index: batchIndex, size: batchSize }, batchProof.map(hashOf))
}

const MEMBERS = ['opening', 'batchIndex', 'batchSize', 'batchProof', 'logIndex']

/** @throws KeyhavenError `WIRE_MALFORMED` */
export function readCommitment(value: unknown): Commitment {
  const json = requireMembers(value, MEMBERS, 'commitment')
  const { batchProof } = json
  if (!Array.isArray(batchProof) || batchProof.length > MAX_PROOF_HASHES) throw malformed('commitment')
  return {
    opening: requireHash(json.opening, 'opening'),
    batchIndex: requireWhole(json.batchIndex, MAX_BATCH_ITEMS - 1, 'batch index'),
    batchSize: requireWhole(json.batchSize, MAX_BATCH_ITEMS, 'batch size'),
    batchProof: batchProof.map((hash) => requireHash(hash, 'batch proof')),
    logIndex: requireWhole(json.logIndex, Number.MAX_SAFE_INTEGER, 'log index'),
  }
}

function hashOf(text: string): Uint8Array {
  try {
    const bytes = fromBase64url(text)
    if (bytes.length === HASH_BYTES) return bytes
  } catch {}
  throw new KeyhavenError('PROOF_INVALID', 'the item is not proven to be in the log')
}
