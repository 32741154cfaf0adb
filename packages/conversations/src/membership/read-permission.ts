import type { ConversationState, Period } from './conversation-state.ts'
import type { Permission, Who } from './rights.ts'
import type { Mode } from './rules.ts'

/** A device that asks for a key. */
export interface Reader extends Who {
  /** `issued` of the device's first entry in the directory, seconds since the epoch. */
  readonly deviceSince: number
  /** The device has the profile `rsa1024-legacy`: it gets no sealed key. */
  readonly legacy?: boolean
}

/** The key, or anything else that one may read like a key made at that time. */
export interface ReadableKey {
  /** Sequence of the membership entry that it was made under. */
  readonly membership: number
  /** Seconds since the epoch. */
  readonly madeAt: number
  readonly mode: Mode
}

/** By what a key may be read: as a member when it was made, or by the history rule of a later stay. */
export type ReadRule = 'member' | 'history-all' | 'history-since'
/**
 * - `stranger`: neither is nor was a member; answered as if nothing existed.
 * - `reset`: the user's chain was reset and not accepted here yet.
 * - `suite`: a legacy device and a sealed key.
 * - `removed`: made after he was removed, or while he was out.
 * - `joined-later`, `device-joined-later`: made before he, or this device, came, and the history rule does
 *   not allow it.
 */
export type ReadRefusal = 'stranger' | 'reset' | 'suite' | 'removed' | 'joined-later' | 'device-joined-later'

export type ReadPermission =
  | { readonly allowed: true; readonly rule: ReadRule }
  | { readonly allowed: false; readonly reason: ReadRefusal; readonly permission: Permission }

/**
 * Whether a device may have a key. Whoever was a member when it was made may, also after he was removed, with
 * devices that he had before; earlier ones as the history rule says that counted when he came.
 */
export function readPermission(
  state: Pick<ConversationState, 'members'>,
  reader: Reader,
  key: ReadableKey,
): ReadPermission {
  const member = state.members.get(reader.username)
  if (!member) return refused('stranger')
  if (member.chain !== reader.chain) return refused('reset')
  if (reader.legacy && key.mode === 'sealed') return refused('suite')
  let reason: ReadRefusal = 'joined-later'
  for (const [index, period] of member.periods.entries()) {
    const rule = ruleOf(period, key)
    if (rule === 'removed') reason = rule
    if (rule === undefined || rule === 'removed') continue
    if (mayDevice(period, removalAfter(member.periods, index), reader, key)) return { allowed: true, rule }
    reason = 'device-joined-later'
  }
  return refused(reason)
}

/**
 * By what one stay lets its member read a key; undefined if it was made before and the rule does not allow
 * it.
 */
function ruleOf({ from, to, history }: Period, key: ReadableKey): ReadRule | 'removed' | undefined {
  if (to !== undefined && key.membership >= to) return 'removed'
  if (key.membership >= from) return 'member'
  if (history.members === 'all') return 'history-all'
  if (history.members === 'joined') return undefined
  return key.madeAt >= history.members ? 'history-since' : undefined
}

/** With which devices: those from before a removal; under `joined`, those from before the key. */
function mayDevice(
  { chain, history }: Period,
  removedAt: number | undefined,
  reader: Reader,
  { madeAt }: ReadableKey,
): boolean {
  if (removedAt !== undefined && reader.deviceSince > removedAt) return false
  return history.devices === 'all' || (chain === reader.chain && madeAt >= reader.deviceSince)
}

/**
 * When the stay ended by a removal, seconds since the epoch. A stay that an accepted chain ended goes on in
 * the next.
 */
function removalAfter(periods: readonly Period[], index: number): number | undefined {
  let at = index
  while (periods[at]!.to !== undefined && periods[at + 1]?.from === periods[at]!.to) at++
  return periods[at]!.toAt
}

function refused(reason: ReadRefusal): ReadPermission {
  return { allowed: false, reason, permission: 'conversation:read' }
}
