import { KeyhavenError } from '@keyhaven/crypto'
import { verifyAcceptance } from '../chain/acceptance.ts'
import { entryHash } from '../chain/entry.ts'
import type { AcceptedReply } from './directory-api.ts'
import type { AcceptedEntry, DirectoryIdentity } from './directory-client.ts'
import type { ProvenUser } from './look-up.ts'
import type { SubmitOptions } from './submit-options.ts'

/** Whether entries that were sent are in the log: nothing else counts as accepted. */
export class AcceptedEntries {
  readonly #options: SubmitOptions

  constructor(options: SubmitOptions) {
    this.#options = options
  }

  /**
   * Where it is not known whether the server took an entry, the log knows.
   *
   * @param identities - who may ask by now: a renewal that went through has made the old key useless.
   */
  async orUnknown(
    posting: Promise<AcceptedReply>,
    entry: string,
    identities: readonly DirectoryIdentity[],
  ): Promise<AcceptedReply | undefined> {
    try {
      return await posting
    } catch (error) {
      if (!isUnknown(error)) throw error
      for (const identity of identities) {
        const found = await this.#asIdentity(identity, () => this.#find(identity.username, entry)).catch(
          () => undefined,
        )
        if (found !== undefined) return undefined
      }
      throw error
    }
  }

  /** From now on this device is `identity`, if the log has the entry. */
  async adopt(identity: DirectoryIdentity, entry: string): Promise<AcceptedEntry> {
    const { lookUps, use } = this.#options
    const found = await this.#asIdentity(identity, () => this.#find(identity.username, entry))
    if (found === undefined) {
      throw new KeyhavenError(
        'PROOF_INVALID',
        'the directory says that it accepted an entry, and does not show it',
      )
    }
    use(identity)
    const { remembered } = found.proven
    if (remembered.accepted !== remembered.state.chain) {
      // The own chain: whoever holds its newest device has agreed to it.
      const value = await lookUps.remembered(identity.username)
      await value.write({ ...remembered, accepted: remembered.state.chain })
    }
    return found.accepted
  }

  /**
   * The entry's hash by the authority's word alone.
   *
   * @throws KeyhavenError `RECORD_INVALID` if the authority did not accept this very entry.
   */
  async byAcceptance({ acceptance }: AcceptedReply, username: string, entry: string): Promise<string> {
    const { backend, application, log } = this.#options
    const hash = await entryHash(backend, entry)
    const remembered = await log.remembered()
    if (remembered === undefined) throw new KeyhavenError('RECORD_INVALID', 'no authority is known')
    const { authority } = await log.parametersOf(remembered)
    await verifyAcceptance(backend, authority, acceptance, { application, username, entry: hash })
    return hash
  }

  async #find(
    username: string,
    entry: string,
  ): Promise<{ proven: ProvenUser; accepted: AcceptedEntry } | undefined> {
    const { backend, lookUps } = this.#options
    const hash = await entryHash(backend, entry)
    const proven = await lookUps.prove(username)
    const { state, indices } = proven.remembered
    const item = state.history.find((candidate) => candidate.entry === hash)
    if (item === undefined) return undefined
    const index = indices[item.sequence]!
    return { proven, accepted: { entry: hash, sequence: item.sequence, index } }
  }

  async #asIdentity<T>(identity: DirectoryIdentity, run: () => Promise<T>): Promise<T> {
    const { use } = this.#options
    const before = this.#options.identity()
    use(identity)
    try {
      return await run()
    } finally {
      use(before)
    }
  }
}

/** The network, or whatever stands between: the server may have run the request. */
function isUnknown(error: unknown): boolean {
  if (!(error instanceof KeyhavenError)) return true
  return ['RESULT_UNKNOWN', 'GATEWAY_UNAVAILABLE', 'OPEN_FAILED', 'GATEWAY_REFUSED'].includes(error.code)
}
