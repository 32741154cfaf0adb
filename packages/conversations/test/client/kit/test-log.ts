import { KeyhavenError, toBase64url } from '@keyhaven/crypto'
import { nodeBackend } from '@keyhaven/crypto/node'
import { formatCheckpoint } from '@keyhaven/directory/log'
import { type Commitment, commitBatch } from '../../../src/receipt/commitment.ts'
import { buildTree } from '../../../src/receipt/small-tree.ts'

const ORIGIN = 'keyhaven.test/demo'
/** One line of a signature: nobody here checks it, a checkpoint is known or not. */
const SIGNATURE = `— ${ORIGIN} ${Buffer.alloc(68).toString('base64')}\n`

/** A log in memory, with real trees and proofs. */
export class TestLog {
  readonly #leaves: Uint8Array[] = [new Uint8Array([0])]
  readonly #notes = new Set<string>()

  /** Commits to one item with one leaf. */
  async commit(item: Uint8Array): Promise<Commitment> {
    const { leaf, commitments } = await commitBatch(nodeBackend, [item])
    this.#leaves.push(leaf)
    return { ...commitments[0]!, logIndex: this.#leaves.length - 1 }
  }

  async proofs(indexes: readonly number[]) {
    const tree = await buildTree(nodeBackend, this.#leaves)
    const { size, root } = tree
    const text = formatCheckpoint({ origin: ORIGIN, size, root, extensions: [] })
    const checkpoint = `${text}\n${SIGNATURE}`
    this.#notes.add(checkpoint)
    const proofs = Object.fromEntries(indexes.map((at) => [String(at), tree.proof(at).map(toBase64url)]))
    return { checkpoint, proofs }
  }

  /** What the directory's client does with a checkpoint. */
  async compare(note: string): Promise<void> {
    if (!this.#notes.has(note)) throw new KeyhavenError('LOG_INCONSISTENT', 'another log than before')
  }
}
