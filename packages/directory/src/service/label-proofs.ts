import { labelInput } from '../log/leaf.ts'
import type { LabelKey } from './directory-service.ts'

/** Users whose proof is kept, those used last: for those whose row has none. */
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
}
