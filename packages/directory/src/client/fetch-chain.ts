import { type CryptoBackend, KeyhavenError, toBase64url } from '@keyhaven/crypto'
import { emptyState, extendChain } from '../chain/fold-chain.ts'
import { MAX_LOOK_UP_ENTRIES } from '../chain/look-up-answer.ts'
import type { UserState } from '../chain/user-state.ts'
import type { OpenedCheckpoint } from '../log/index.ts'
import type { DirectoryApi } from './directory-api.ts'
import type { LogMemory } from './log-memory.ts'
import type { LookUpReply } from './look-up-reply.ts'
import type { RememberedUser } from './user-memory.ts'
import { requireKnownLabel, verifyEntries, verifyLabel } from './verify-entries.ts'

export interface FetchOptions {
  readonly backend: CryptoBackend
  readonly application: string
  readonly api: DirectoryApi
  readonly log: LogMemory
  /** Seconds since the epoch. */
  readonly now: () => number
}

/** A user's chain up to its newest entry, every entry proven. */
export interface FetchedChain {
  readonly state: UserState
  /** The user's label in the log, base64url. */
  readonly label: string
  /** Where in the log the entries are, by sequence. */
  readonly indices: readonly number[]
  /** Of the last answer: the log of every answer before it is the beginning of this one. */
  readonly checkpoint: OpenedCheckpoint
  /** By device id, as the last answer has them. Not judged. */
  readonly encryptionKeys: ReadonlyMap<string, string>
}

/**
 * Fetches what is not known yet of a user's chain. A long one takes several answers: each is verified against its own
 * checkpoint, and that against the one before. The user is remembered by the caller, once all of it is there: half a
 * chain would be an old state.
 */
export async function fetchChain(
  { backend, application, api, log, now }: FetchOptions,
  username: string,
  known: RememberedUser | undefined,
): Promise<FetchedChain> {
  const indices = [...(known?.indices ?? [])]
  let state = known?.state ?? emptyState({ application, username, now: now() })
  let label = known?.label
  /** The newest entry that the directory has named. */
  let newest = state.sequence
  for (;;) {
    const base = await log.remembered()
    const reply = await ask(api, state, base?.size)
    const { consistency, parameters: leaf } = reply
    const checkpoint = await log.accept(reply.checkpoint, { base, consistency, parameters: leaf })
    const parameters = await log.parametersOf(checkpoint)
    const proven =
      label === undefined
        ? verifyLabel({ application, username, parameters }, reply.label)
        : requireKnownLabel(label, reply.label)
    label = toBase64url(proven)
    requirePage(reply, state.sequence, newest)
    const after = indices.at(-1) ?? -1
    const expected = { application, username, parameters, checkpoint, after }
    await verifyEntries(backend, reply.entries, proven, expected)
    const entries = reply.entries.map(({ entry }) => entry)
    state = await extendChain(backend, state, entries, { authority: parameters.authority, now: now() })
    for (const { index } of reply.entries) indices.push(index)
    newest = reply.sequence
    const { encryptionKeys } = reply
    if (state.sequence === newest) return { state, label, indices, checkpoint, encryptionKeys }
  }
}

async function ask(
  api: DirectoryApi,
  { username, sequence }: UserState,
  logSize: number | undefined,
): Promise<LookUpReply> {
  const isKnown = sequence >= 0
  try {
    return await api.lookUp({
      username,
      ...(isKnown && { after: sequence }),
      ...(logSize !== undefined && { logSize }),
    })
  } catch (error) {
    if (isKnown && error instanceof KeyhavenError && error.code === 'NOT_FOUND') {
      throw new KeyhavenError('CHAIN_BROKEN', 'the directory denies a user that it had')
    }
    throw error
  }
}

/**
 * Everything after the last entry known up to the newest one that the directory names, or as much of it as an answer
 * holds: so each answer brings the end nearer. What the entries are is verified elsewhere.
 */
function requirePage(reply: LookUpReply, after: number, newest: number): void {
  if (reply.sequence < newest) {
    throw new KeyhavenError('DIRECTORY_STALE', 'the directory withholds the newest entries')
  }
  if (reply.entries.length !== Math.min(reply.sequence - after, MAX_LOOK_UP_ENTRIES)) {
    throw new KeyhavenError('CHAIN_BROKEN', 'a link of the chain is missing')
  }
}
