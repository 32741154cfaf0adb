import { type CryptoBackend, KeyhavenError, type VerifyKey } from '@keyhaven/crypto'
import { emptyState, extendChain } from '../chain/fold-chain.ts'
import type { UserState } from '../chain/user-state.ts'
import type { DirectoryReads, StoredUser } from './ports.ts'

/** Users whose state is kept in memory, those used last. */
const MAX_CACHED_STATES = 1_000

/** Folds users' entries, and keeps the results: only what is new is verified. */
export class UserStates {
  readonly #options: {
    readonly application: string
    readonly backend: CryptoBackend
    readonly authority: VerifyKey
  }
  readonly #states = new Map<string, UserState>()

  constructor(options: {
    readonly application: string
    readonly backend: CryptoBackend
    readonly authority: VerifyKey
  }) {
    this.#options = options
  }

  /**
   * @param user - the user's row as `reads` gave it just now; undefined: there is none.
   * @throws KeyhavenError `CHAIN_BROKEN` if the stored entries do not fit each other or the row.
   */
  async load(
    reads: DirectoryReads,
    username: string,
    user: StoredUser | undefined,
    now: number,
  ): Promise<UserState> {
    const empty = emptyState({ application: this.#options.application, username, now })
    if (!user) return empty
    const cached = this.#states.get(username)
    const state =
      (cached && (await this.#extended(reads, cached, user, now))) ??
      (await this.#extended(reads, empty, user, now))
    if (!state) throw new KeyhavenError('CHAIN_BROKEN', 'the stored entries do not fit the stored head')
    this.keep(state)
    return state
  }

  /** @param state - of entries that are committed. */
  keep(state: UserState): void {
    this.#states.delete(state.username)
    this.#states.set(state.username, state)
    if (this.#states.size > MAX_CACHED_STATES) this.#states.delete(this.#states.keys().next().value!)
  }

  /**
   * @returns undefined if the row is not what the state leads to: another process restored an older database.
   */
  async #extended(
    reads: DirectoryReads,
    from: UserState,
    user: StoredUser,
    now: number,
  ): Promise<UserState | undefined> {
    const { backend, authority } = this.#options
    if (from.sequence > user.sequence) return undefined
    // Outside a transaction there may be newer ones than the row says.
    const missing = user.sequence - from.sequence
    const rows = missing > 0 ? await reads.entries(user.username, from.sequence, missing) : []
    try {
      const entries = rows.map(({ entry }) => entry)
      const state = await extendChain(backend, from, entries, { authority, now })
      return state.head === user.head ? state : undefined
    } catch (error) {
      if (error instanceof KeyhavenError && error.code === 'CHAIN_BROKEN') return undefined
      throw error
    }
  }
}
