import { KeyhavenError } from '@keyhaven/crypto'
import { stateAt } from '../chain/fold-chain.ts'
import type { DeviceState, UserState } from '../chain/user-state.ts'
import type { AcceptedEntries } from './accepted-entries.ts'
import { type AcceptedReply, ChainMoved } from './directory-api.ts'
import type { AcceptedEntry, DirectoryIdentity } from './directory-client.ts'
import { type EntryPlace, requireIdentity, type SubmitOptions } from './submit-options.ts'

/** How often an entry is signed again on top of what other devices did meanwhile. */
const MAX_REBASES = 4

/** What is particular to an entry. */
export interface OwnEntry {
  /** Signs it for its place, on top of this state. */
  build(place: EntryPlace, state: UserState): Promise<string>
  /**
   * @param valid - whether this device is: then it signs the request also where the recovery key signs the entry, since
   *   all unsigned calls share one rate limit.
   */
  post(entry: string, valid: boolean): Promise<AcceptedReply>
  /** Who this device is once the entry is accepted. @defaultValue who it is */
  readonly next?: DirectoryIdentity
}

/** Adds an entry to the own chain, on top of the newest one, again where another device was faster. */
export async function appendToOwnChain(
  options: SubmitOptions,
  accepted: AcceptedEntries,
  { build, post, next = requireIdentity(options) }: OwnEntry,
): Promise<AcceptedEntry> {
  const { application, now } = options
  const identity = requireIdentity(options)
  const { username } = identity
  let moved: ChainMoved | undefined
  for (let rebases = 0; ; rebases++) {
    const { state, proven } = await ownState(options, username)
    const own = requireOwnDevice(state, identity)
    // What came after is verified once this device may look up again.
    const last = !proven && moved ? moved : state
    const place = {
      application,
      username,
      chain: state.chain,
      sequence: last.sequence + 1,
      previous: last.head,
      issued: Math.max(now(), state.issued),
    }
    const entry = await build(place, state)
    let reply: AcceptedReply | undefined
    try {
      reply = await accepted.orUnknown(post(entry, own.status === 'valid'), entry, [next, identity])
    } catch (error) {
      if (!(error instanceof ChainMoved) || rebases >= MAX_REBASES) throw error
      moved = error
      continue
    }
    try {
      return await accepted.adopt(next, entry)
    } catch (error) {
      // Who has just revoked oneself can ask for no proof any more; the authority's word is left.
      const revoked = error instanceof KeyhavenError && error.code === 'DEVICE_REVOKED'
      if (!revoked || reply === undefined) throw error
      const hash = await accepted.byAcceptance(reply, username, entry)
      return { entry: hash, sequence: place.sequence, index: reply.index }
    }
  }
}

/** An expired device may look nobody up, not even itself, until it is renewed: it goes by what it remembers. */
async function ownState(
  { lookUps, now }: SubmitOptions,
  username: string,
): Promise<{ readonly state: UserState; readonly proven: boolean }> {
  try {
    return { state: (await lookUps.prove(username)).remembered.state, proven: true }
  } catch (error) {
    const expired = error instanceof KeyhavenError && error.code === 'KEY_EXPIRED'
    const remembered = expired ? await (await lookUps.remembered(username)).read() : undefined
    if (remembered === undefined) throw error
    return { state: stateAt(remembered.state, now()), proven: false }
  }
}

/** A revoked device, or one whose chain a reset has ended, signs nothing any more. Throws `DEVICE_REVOKED`. */
export function requireOwnDevice(
  state: UserState,
  { device }: Pick<DirectoryIdentity, 'device'>,
): DeviceState {
  const own = state.devices.find((candidate) => candidate.device === device)
  if (own === undefined || own.status === 'revoked') {
    throw new KeyhavenError('DEVICE_REVOKED', 'this device is revoked: register it anew')
  }
  return own
}
