import { type CryptoBackend, KeyhavenError, toBase64url } from '@keyhaven/crypto'
import { stateAt } from '../chain/fold-chain.ts'
import type { ProfileName } from '../chain/profile.ts'
import { decodeUserState, encodeUserState } from '../chain/stored-state.ts'
import type { UserState } from '../chain/user-state.ts'
import type { RememberedValue } from './client-store.ts'
import type { DirectoryApi } from './directory-api.ts'
import type { ChainPosition, DirectoryEvent, RememberedCheckpoint, VerifiedUser } from './directory-client.ts'
import { fetchChain } from './fetch-chain.ts'
import { judgeStatements, type StatementVerdict } from './judge-statements.ts'
import type { LogMemory } from './log-memory.ts'
import type { RememberedUser, UserMemory } from './user-memory.ts'
import { verifiedUser } from './verified-user.ts'

export interface LookUpOptions {
  readonly backend: CryptoBackend
  readonly application: string
  readonly api: DirectoryApi
  readonly log: LogMemory
  readonly users: () => Promise<UserMemory>
  /** Seconds since the epoch. */
  readonly now: () => number
  readonly profiles: ReadonlySet<ProfileName>
  readonly onEvent: (event: DirectoryEvent) => void
}

/** A user as the log proves it now. */
export interface ProvenUser {
  readonly remembered: RememberedUser
  readonly checkpoint: RememberedCheckpoint
  readonly statements: ReadonlyMap<string, StatementVerdict>
}

/** Looks users up, verifies all of the answer, and remembers it: the log first, then the user. */
export class LookUps {
  readonly #options: LookUpOptions

  constructor(options: LookUpOptions) {
    this.#options = options
  }

  /** @throws KeyhavenError `CHAIN_RESET` as long as the user has not agreed to a new chain. */
  async lookUp(username: string, atLeast?: ChainPosition): Promise<VerifiedUser> {
    const proven = await this.prove(username)
    const { state, accepted } = proven.remembered
    if (atLeast !== undefined) requirePosition(state, atLeast)
    if (state.chain !== accepted) {
      throw new KeyhavenError('CHAIN_RESET', 'the user lost all devices and started a new chain')
    }
    return this.#judged(proven)
  }

  /** @throws KeyhavenError `CONFLICT` if the chain that was shown is not the newest any more. */
  async acceptReset(username: string, chain: number): Promise<VerifiedUser> {
    const proven = await this.prove(username)
    if (proven.remembered.state.chain !== chain) {
      throw new KeyhavenError('CONFLICT', 'the user has another chain by now')
    }
    const remembered = { ...proven.remembered, accepted: chain }
    await (await this.remembered(username)).write(remembered)
    return this.#judged({ ...proven, remembered })
  }

  async remembered(username: string): Promise<RememberedValue<RememberedUser>> {
    return (await this.#options.users()).user(username)
  }

  /** The state as the log proves it, a reset not judged. */
  async prove(username: string): Promise<ProvenUser> {
    const { backend, application, now } = this.#options
    const value = await this.remembered(username)
    const known = await value.read()
    // A state of another version or user is refused, not misread.
    if (known !== undefined) decodeUserState(encodeUserState(known.state), { application, username })
    const fetched = await fetchChain(this.#options, username, known)
    const { state, checkpoint: opened } = fetched
    const { verdicts, newest } = await judgeStatements(
      backend,
      // Times are judged by this clock, also where nothing was added.
      stateAt(state, now()),
      fetched.encryptionKeys,
      known?.statements,
    )
    const remembered: RememberedUser = {
      accepted: state.chain,
      ...known,
      state,
      label: fetched.label,
      indices: fetched.indices,
      statements: newest,
    }
    await value.write(remembered)
    await (await this.#options.users()).addContact(username)
    if (known !== undefined && state.chain > known.state.chain) {
      this.#options.onEvent({ type: 'chain-reset', username, chain: state.chain })
    }
    const { size, note } = opened
    const checkpoint = { size, root: toBase64url(opened.root), note }
    return { remembered: { ...remembered, state: stateAt(state, now()) }, checkpoint, statements: verdicts }
  }

  #judged({ remembered, checkpoint, statements }: ProvenUser): VerifiedUser {
    const { profiles } = this.#options
    return verifiedUser(remembered.state, checkpoint, { profiles, statements })
  }
}

/** @throws KeyhavenError `DIRECTORY_STALE` if the chain does not reach so far, `CHAIN_BROKEN` if it is another. */
function requirePosition(state: UserState, { sequence, head }: ChainPosition): void {
  if (sequence > state.sequence) {
    throw new KeyhavenError('DIRECTORY_STALE', 'the user has newer entries than the directory shows')
  }
  const item = state.history.find((entry) => entry.sequence === sequence)
  if (item?.entry !== head) throw new KeyhavenError('CHAIN_BROKEN', 'the user names another chain')
}
