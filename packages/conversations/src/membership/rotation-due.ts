import { type ConversationState, currentMembers } from './conversation-state.ts'
import type { Mode } from './rules.ts'

/** Why a new key is needed before anything is sent. */
export type RotationReason = 'membership' | 'device' | 'age' | 'messages' | 'rule'

export interface CurrentKey {
  readonly membership: number
  /** Seconds since the epoch. */
  readonly madeAt: number
  readonly mode: Mode
}

export interface RotationFacts {
  /** Seconds since the epoch. */
  readonly now: number
  /** Sent under the key, as far as is known. */
  readonly messages?: number
  /** When a device of a member last left: revoked or expired. Seconds since the epoch. */
  readonly deviceLeftAt?: number
  /** When a device last came of a member whose rule for devices is `joined` ({@link devicesNeedRotation}). */
  readonly deviceJoinedAt?: number
}

/** What of a conversation decides. */
type RotationState = Pick<ConversationState, 'sequence' | 'mode' | 'history' | 'rotation' | 'members'>

/** @returns null if the key may still be sent under; `membership` where there is none. */
export function rotationDue(
  state: RotationState,
  key: CurrentKey | undefined,
  facts: RotationFacts,
): RotationReason | null {
  if (!key || key.membership !== state.sequence || key.mode !== state.mode) return 'membership'
  const { now, messages = 0, deviceLeftAt = 0, deviceJoinedAt = 0 } = facts
  // Within one second nobody knows which came first: the device may have got the key before it left.
  if (deviceLeftAt >= key.madeAt || deviceJoinedAt > key.madeAt) return 'device'
  const { maxAge, maxMessages } = state.rotation
  if (maxAge !== null && now - key.madeAt >= maxAge) return 'age'
  if (maxMessages !== null && messages >= maxMessages) return 'messages'
  return ruleDates(state).some((date) => key.madeAt < date && date <= now) ? 'rule' : null
}

/** Whether a new device of this member may not read what was sent before it came. */
export function devicesNeedRotation(state: ConversationState, username: string): boolean {
  return state.members.get(username)?.periods.at(-1)?.history.devices === 'joined'
}

function ruleDates(state: RotationState): number[] {
  const rules = [state.history, ...currentMembers(state).map(({ periods }) => periods.at(-1)!.history)]
  return rules.map(({ members }) => members).filter((date) => typeof date === 'number')
}
