import {
  type ConversationState,
  decodeConversationState,
  encodeConversationState,
} from '../membership/conversation-state.ts'
import type { MembershipEntry } from '../membership/entry.ts'
import type { Mode } from '../membership/rules.ts'
import type { Memory } from './memory.ts'

/** A membership as this device has verified it. */
export interface Membership {
  readonly state: ConversationState
  /** Since which entry which mode. */
  readonly modes: ReadonlyArray<{ readonly from: number; readonly mode: Mode }>
  /** Another history was met. */
  readonly forked: boolean
}

interface StoredMembership {
  readonly v: 1
  readonly state: string
  readonly modes: Membership['modes']
  readonly forked: boolean
}

export interface VersionedMembership extends Membership {
  /** Of the store's record; null: not stored yet. */
  readonly version: number | null
}

export async function readMembership(memory: Memory, id: string): Promise<VersionedMembership | undefined> {
  const stored = await memory.read<StoredMembership>('state', id)
  if (!stored) return undefined
  const { state, modes, forked } = stored.value
  return { state: decodeConversationState(state), modes, forked, version: stored.version }
}

/** @returns false if another tab or process was first. */
export function writeMembership(
  memory: Memory,
  { state, modes, forked }: Membership,
  version: number | null,
): Promise<boolean> {
  const stored: StoredMembership = { v: 1, state: encodeConversationState(state), modes, forked }
  return memory.write('state', state.conversation, stored, version)
}

/** The mode that the members had signed when this entry was the newest. */
export function modeAt({ modes }: Membership, sequence: number): Mode | undefined {
  return modes.findLast(({ from }) => from <= sequence)?.mode
}

export function modesAfter(
  modes: Membership['modes'],
  entries: readonly MembershipEntry[],
): Membership['modes'] {
  const added = entries.flatMap((entry) =>
    entry.kind === 'create' || entry.kind === 'mode' ? [{ from: entry.sequence, mode: entry.mode }] : [],
  )
  return added.length > 0 ? [...modes, ...added] : modes
}
