import { type CryptoBackend, fromBase64url, KeyhavenError } from '@keyhaven/crypto'
import { MAX_PROOF_HASHES, parseCheckpoint, parseNote } from '@keyhaven/directory/log'
import type { MessagingDirectory } from '@keyhaven/messaging'
import { type Commitment, verifyCommitment } from '../receipt/commitment.ts'
import type { LogAnswer } from './answers.ts'

/** Checkpoints that were compared, the last ones. */
const MAX_COMPARED = 16

interface Head {
  readonly size: number
  readonly root: Uint8Array
}

/** Whether things are in the application's log: in the one and only that the directory's client knows. */
export class LogChecks {
  readonly #directory: MessagingDirectory
  readonly #backend: CryptoBackend
  readonly #self: string
  readonly #compared = new Map<string, Promise<Head>>()

  /** @param self - own username: looked up where no checkpoint is known yet. */
  constructor(directory: MessagingDirectory, backend: CryptoBackend, self: string) {
    this.#directory = directory
    this.#backend = backend
    this.#self = self
  }

  /**
   * @param item - its exact bytes.
   * @throws KeyhavenError `PROOF_INVALID`; `LOG_INCONSISTENT` if the checkpoint is of another log than was
   * seen before; `SIGNATURE_INVALID` if the log did not sign it.
   */
  async require(item: Uint8Array, commitment: Commitment, { checkpoint, proofs }: LogAnswer): Promise<void> {
    const proof = readProof(proofs[String(commitment.logIndex)])
    await verifyCommitment(this.#backend, item, commitment, { ...(await this.#head(checkpoint)), proof })
  }

  #head(note: string): Promise<Head> {
    let head = this.#compared.get(note)
    if (!head) {
      head = this.#compare(note)
      this.#compared.set(note, head)
      head.catch(() => this.#compared.delete(note))
      if (this.#compared.size > MAX_COMPARED) this.#compared.delete(this.#compared.keys().next().value!)
    }
    return head
  }

  async #compare(note: string): Promise<Head> {
    if ((await this.#directory.checkpoint()) === undefined) await this.#directory.lookUp(this.#self)
    await this.#directory.compareCheckpoint(note)
    // The signature is verified: what it says may be read.
    const { size, root } = parseCheckpoint(parseNote(note).text)
    return { size, root }
  }
}

function readProof(value: unknown): Uint8Array[] {
  if (Array.isArray(value) && value.length <= MAX_PROOF_HASHES) {
    try {
      return value.map((hash) => fromBase64url(hash))
    } catch {
      // As if there were none.
    }
  }
  throw new KeyhavenError('PROOF_INVALID', 'the server gave no proof that this is in the log')
}
