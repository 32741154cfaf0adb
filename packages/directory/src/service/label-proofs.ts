import { labelInput } from '../log/leaf.ts'
import type { LabelKey } from './directory-service.ts'

/** Users whose proof is kept, those used last: it is always the same, and takes milliseconds to make. */
const MAX_CACHED_PROOFS = 10_000

/** Proofs of users' labels. */
export class LabelProofs {
  readonly #application: string
  readonly #key: LabelKey
  readonly #proofs = new Map<string, Uint8Array>()

  constructor(application: string, key: LabelKey) {
    this.#application = application
    this.#key = key
  }

  /** 80 bytes. */
  proof(username: string): Uint8Array {
    const proof = this.#proofs.get(username) ?? this.#key.prove(labelInput(this.#application, username))
    this.#proofs.delete(username)
    this.#proofs.set(username, proof)
    if (this.#proofs.size > MAX_CACHED_PROOFS) this.#proofs.delete(this.#proofs.keys().next().value!)
    return proof
  }

  /** 64 bytes. */
  label(username: string): Uint8Array {
    return this.#key.output(this.proof(username))
  }
}
