import { type CryptoBackend, KeyhavenError, toBase64url, type VerifyKey } from '@keyhaven/crypto'
import { emptyState, extendChain, stateAt } from '../chain/fold-chain.ts'
import type { ProfileName } from '../chain/profile.ts'
import { decodeUserState, encodeUserState } from '../chain/stored-state.ts'
import type { UserState } from '../chain/user-state.ts'
import type { RememberedValue } from './client-store.ts'
import type { DirectoryApi } from './directory-api.ts'
import type { ChainPosition, DirectoryEvent, RememberedCheckpoint, VerifiedUser } from './directory-client.ts'
import { judgeStatements, type StatementVerdict } from './judge-statements.ts'
import type { LogMemory } from './log-memory.ts'
import type { LookUpReply } from './look-up-reply.ts'
import type { RememberedUser, UserMemory } from './user-memory.ts'
import { verifiedUser } from './verified-user.ts'
import { requireKnownLabel, verifyEntries, verifyLabel } from './verify-entries.ts'

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
    const { backend, application, api, log, now } = this.#options
    const base = await log.remembered()
    const value = await this.remembered(username)
    const known = await value.read()
    // A state of another version or user is refused, not misread.
    if (known !== undefined) decodeUserState(encodeUserState(known.state), { application, username })
    const reply = await this.#ask(api, username, known, base?.size)
    const { consistency, parameters: leaf } = reply
    const opened = await log.accept(reply.checkpoint, { base, consistency, parameters: leaf })
    const parameters = await log.parametersOf(opened)
    const label =
      known === undefined
        ? verifyLabel({ application, username, parameters }, reply.label)
        : requireKnownLabel(known.label, reply.label)
    requireAll(reply, known)
    const after = known?.indices.at(-1) ?? -1
    await verifyEntries(backend, reply.entries, label, {
      application,
      username,
      parameters,
      checkpoint: opened,
      after,
    })
    const state = await this.#extended(username, known, reply, parameters.authority)
    const { verdicts, newest } = await judgeStatements(
      backend,
      // Times are judged by this clock, also where nothing was added.
      stateAt(state, now()),
      reply.encryptionKeys,
      known?.statements,
    )
    const remembered: RememberedUser = {
      accepted: state.chain,
      ...known,
      state,
      label: toBase64url(label),
      indices: [...(known?.indices ?? []), ...reply.entries.map(({ index }) => index)],
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

  async #ask(
    api: DirectoryApi,
    username: string,
    known: RememberedUser | undefined,
    logSize: number | undefined,
  ): Promise<LookUpReply> {
    try {
      return await api.lookUp({
        username,
        ...(known && { after: known.state.sequence }),
        ...(logSize !== undefined && { logSize }),
      })
    } catch (error) {
      if (known !== undefined && error instanceof KeyhavenError && error.code === 'NOT_FOUND') {
        throw new KeyhavenError('CHAIN_BROKEN', 'the directory denies a user that it had')
      }
      throw error
    }
  }

  async #extended(
    username: string,
    known: RememberedUser | undefined,
    reply: LookUpReply,
    authority: VerifyKey,
  ): Promise<UserState> {
    const { backend, application, now } = this.#options
    const from = known?.state ?? emptyState({ application, username, now: now() })
    const entries = reply.entries.map(({ entry }) => entry)
    const state = await extendChain(backend, from, entries, { authority, now: now() })
    if (state.sequence !== reply.sequence) throw new KeyhavenError('CHAIN_BROKEN', 'a link is missing')
    return state
  }

  #judged({ remembered, checkpoint, statements }: ProvenUser): VerifiedUser {
    const { profiles } = this.#options
    return verifiedUser(remembered.state, checkpoint, { profiles, statements })
  }
}

/** Everything from the last entry known up to the newest one that the directory names. */
function requireAll(reply: LookUpReply, known: RememberedUser | undefined): void {
  const after = known?.state.sequence ?? -1
  if (reply.sequence < after) {
    throw new KeyhavenError('DIRECTORY_STALE', 'the directory withholds the newest entries')
  }
  if (reply.entries.length !== reply.sequence - after) {
    throw new KeyhavenError('CHAIN_BROKEN', 'a link of the chain is missing')
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
