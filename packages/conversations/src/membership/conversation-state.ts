import { KeyhavenError } from '@keyhaven/crypto'
import type { ConversationAlgorithm } from '../key/algorithm.ts'
import type { HistoryRule, Mode, Role, RotationRule } from './rules.ts'

/** One stay of a member. `accept-chain` ends one and begins the next at the same sequence. */
export interface Period {
  /** Sequence of the entry that began it. */
  readonly from: number
  /** Its `issued`, seconds since the epoch. */
  readonly fromAt: number
  /** Sequence of the entry that ended it: keys made for this entry or a later one are not his. */
  readonly to?: number
  readonly toAt?: number
  /** Of the directory: whose devices counted. */
  readonly chain: number
  /** The rule that counts for this stay. */
  readonly history: HistoryRule
}

/** Somebody who is or was a member. */
export interface MemberState {
  readonly username: string
  /** The present role, or the last one. */
  readonly role: Role
  /** Since which entry which role; none where he was no member. */
  readonly roles: ReadonlyArray<{ readonly from: number; readonly role: Role }>
  /** Of the directory: the one accepted here. */
  readonly chain: number
  /** The newest entry of the user's own chain that an entry here has named: nobody goes back behind it. */
  readonly position: { readonly sequence: number; readonly head: string }
  /** Oldest first; the last is open as long as he is a member. */
  readonly periods: readonly Period[]
}

/** What a conversation's entries amount to. It does not depend on the time of the look. */
export interface ConversationState {
  readonly application: string
  readonly conversation: string
  /** Of the newest entry. */
  readonly sequence: number
  /** Hash of the newest entry, base64url. */
  readonly head: string
  /** Hash of each entry by its sequence. */
  readonly heads: readonly string[]
  /** `issued` of each entry by its sequence, seconds since the epoch. */
  readonly times: readonly number[]
  /** `issued` of the newest entry: the next one's may not lie before. */
  readonly issued: number
  readonly mode: Mode
  readonly algorithm: ConversationAlgorithm
  readonly history: HistoryRule
  readonly rotation: RotationRule
  /** Days; null: for ever. */
  readonly retention: number | null
  /** By username; former members too. */
  readonly members: ReadonlyMap<string, MemberState>
  /** How many are members now. */
  readonly memberCount: number
  /** Seconds since the epoch. */
  readonly createdAt: number
  readonly createdBy: { readonly username: string; readonly device: string }
}

export function isCurrentMember(member: MemberState): boolean {
  return member.periods.at(-1)?.to === undefined
}

/** Members of now, in the order in which they first came. */
export function currentMembers(state: Pick<ConversationState, 'members'>): MemberState[] {
  return [...state.members.values()].filter(isCurrentMember)
}

/** Role and accepted chain of somebody right after an entry; undefined if he was no member then. */
export function memberAt(
  state: ConversationState,
  username: string,
  sequence: number,
): { readonly role: Role; readonly chain: number } | undefined {
  const member = state.members.get(username)
  const period = member?.periods.findLast(
    ({ from, to }) => from <= sequence && (to === undefined || sequence < to),
  )
  const rank = member?.roles.findLast(({ from }) => from <= sequence)
  return period && rank && { role: rank.role, chain: period.chain }
}

/**
 * Whether a head that somebody names is in the own chain.
 *
 * @returns false if it is newer than all that is known here: fetch, extend, ask again.
 * @throws KeyhavenError `MEMBERSHIP_FORKED` if another entry stands at that place.
 */
export function knowsHead(
  state: ConversationState,
  named: { readonly sequence: number; readonly head: string },
): boolean {
  if (named.sequence > state.sequence) return false
  if (state.heads[named.sequence] === named.head) return true
  throw new KeyhavenError('MEMBERSHIP_FORKED', 'the membership of the conversation has forked: do not send')
}

/**
 * For a store: JSON, {@link ConversationState.members} as a list. The store is trusted; nothing is verified
 * again.
 */
export function encodeConversationState(state: ConversationState): string {
  return JSON.stringify({ ...state, members: [...state.members.values()] })
}

export function decodeConversationState(json: string): ConversationState {
  const { members, ...rest } = JSON.parse(json) as Omit<ConversationState, 'members'> & {
    members: MemberState[]
  }
  return { ...rest, members: new Map(members.map((member) => [member.username, member])) }
}
