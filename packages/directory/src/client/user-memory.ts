import type { UserState } from '../chain/user-state.ts'
import { type DirectoryClientStore, RememberedValue, storeKey } from './client-store.ts'
import type { SeenStatements } from './judge-statements.ts'

/** What this client has verified about one user. It changes as a whole. */
export interface RememberedUser {
  readonly state: UserState
  /** The chain that was first seen, or that the user agreed to since. */
  readonly accepted: number
  /** The user's label in the log, base64url. */
  readonly label: string
  /** Where in the log the entries are, by sequence. */
  readonly indices: readonly number[]
  readonly statements: SeenStatements
  /** Of the own user: entries up to here the user has acknowledged. */
  readonly acknowledged?: number
}

/** How far the log has been looked through, with what continues the computation of its root. */
export interface MonitorProgress {
  readonly size: number
  /** base64url. */
  readonly peaks: readonly string[]
  /** Places of leaves, by label (base64url): of every label that was watched then. */
  readonly found: Readonly<Record<string, readonly number[]>>
}

/** Names in the store: one application, one log. */
export class UserMemory {
  readonly #store: DirectoryClientStore
  readonly #prefix: readonly [application: string, origin: string]

  constructor(store: DirectoryClientStore, application: string, origin: string) {
    this.#store = store
    this.#prefix = [application, origin]
  }

  user(username: string): RememberedValue<RememberedUser> {
    return new RememberedValue(this.#store, storeKey(...this.#prefix, 'user', username))
  }

  monitor(): RememberedValue<MonitorProgress> {
    return new RememberedValue(this.#store, storeKey(...this.#prefix, 'monitor'))
  }

  async contacts(): Promise<readonly string[]> {
    return (await this.#contacts().read())?.usernames ?? []
  }

  async addContact(username: string): Promise<void> {
    const usernames = await this.contacts()
    if (!usernames.includes(username)) await this.#contacts().write({ usernames: [...usernames, username] })
  }

  #contacts(): RememberedValue<{ readonly usernames: readonly string[] }> {
    return new RememberedValue(this.#store, storeKey(...this.#prefix, 'contacts'))
  }
}
