import { KeyhavenError } from '@keyhaven/crypto'
import type { Author, ChainPin } from './author.ts'
import {
  type ConversationState,
  isCurrentMember,
  type MemberState,
  type Period,
} from './conversation-state.ts'
import type { MembershipCommon, MembershipEntry } from './entry.ts'
import { MAX_MEMBERS } from './limits.ts'
import type { AcceptChainChange, CreateChange, Member } from './membership-change.ts'
import { mayChange } from './rights.ts'
import type { Role } from './rules.ts'

/** A state while entries are put on top of it. Members in it are replaced, never changed. */
export type StateDraft = {
  -readonly [Name in keyof ConversationState]: ConversationState[Name]
} & { members: Map<string, MemberState>; heads: string[]; times: number[] }

/** To put entries on top of; the state stays as it is. */
export function draftOf(state: ConversationState): StateDraft {
  const { members, heads, times } = state
  return { ...state, members: new Map(members), heads: [...heads], times: [...times] }
}

type Time = Pick<MembershipCommon, 'sequence' | 'issued'>

/** @throws KeyhavenError `RECORD_INVALID` unless the creator is among the members, as an owner. */
export function startState(entry: MembershipCommon & CreateChange, head: string): ConversationState {
  const { application, conversation, issued, by, mode, algorithm, history, rotation, retention } = entry
  const creator = entry.members.find(({ username }) => username === by.username)
  const isSame = creator?.chain === by.chain && creator.head === by.head && creator.sequence === by.sequence
  if (creator?.role !== 'owner' || !isSame) throw invalid('who creates a conversation is an owner of it')
  const draft: StateDraft = {
    ...{ application, conversation, sequence: 0, head, heads: [head], issued },
    times: [issued],
    ...{ mode, algorithm, history, rotation, retention },
    members: new Map(),
    memberCount: 0,
    createdAt: issued,
    createdBy: { username: by.username, device: by.device },
  }
  for (const member of entry.members) join(draft, member, { sequence: 0, issued })
  return draft
}

/** The signature is verified, and the entry follows the draft's head. Throws as `foldMembership`. */
export function applyChange(draft: StateDraft, entry: MembershipEntry, hash: string): void {
  const { by } = entry
  const verdict = mayChange(draft, by, entry)
  if (!verdict.allowed) throw new KeyhavenError('ACCESS_DENIED', verdict.reason)
  pin(draft, by)
  apply(draft, entry)
  draft.sequence = entry.sequence
  draft.issued = entry.issued
  draft.head = hash
  draft.heads.push(hash)
  draft.times.push(entry.issued)
}

function apply(draft: StateDraft, entry: MembershipEntry): void {
  switch (entry.kind) {
    case 'create':
      throw invalid('the conversation exists')
    case 'add':
      for (const member of entry.members) join(draft, member, entry)
      return
    case 'remove':
      leave(draft, requireMember(draft, entry.username), entry)
      return
    case 'role':
      rank(draft, requireMember(draft, entry.username), entry)
      return
    case 'rules':
      draft.history = entry.history ?? draft.history
      draft.rotation = entry.rotation ?? draft.rotation
      if (entry.retention !== undefined) draft.retention = entry.retention
      return
    case 'mode':
      if (entry.mode === draft.mode) throw invalid('the conversation has this mode')
      draft.mode = entry.mode
      return
    case 'accept-chain':
      acceptChain(draft, requireMember(draft, entry.username), entry)
      return
  }
}

/** The author knows its own user's chain at least as far as the conversation has seen it. */
function pin(draft: StateDraft, by: Author): void {
  const member = draft.members.get(by.username)!
  draft.members.set(by.username, { ...member, position: notBehind(member, by) })
}

function notBehind(member: MemberState, { sequence, head }: ChainPin): MemberState['position'] {
  const { position } = member
  if (sequence < position.sequence) {
    throw new KeyhavenError('CHAIN_BROKEN', "the user's chain is older than the conversation has seen it")
  }
  if (sequence === position.sequence && head !== position.head) {
    throw new KeyhavenError('CHAIN_BROKEN', "the user's chain is another than the conversation has seen")
  }
  return { sequence, head }
}

function join(draft: StateDraft, member: Member, { sequence, issued }: Time): void {
  const { username, role, chain } = member
  const former = draft.members.get(username)
  if (former && isCurrentMember(former)) throw invalid('a member is added who is one')
  if (former && chain < former.chain) throw invalid('a member is added with a chain that was reset')
  if (draft.memberCount === MAX_MEMBERS) {
    throw new KeyhavenError('WIRE_TOO_LARGE', `a conversation has at most ${MAX_MEMBERS} members`)
  }
  const period = { from: sequence, fromAt: issued, chain, history: member.history ?? draft.history }
  draft.members.set(username, {
    username,
    role,
    roles: [...(former?.roles ?? []), { from: sequence, role }],
    chain,
    position: former ? notBehind(former, member) : { sequence: member.sequence, head: member.head },
    periods: [...(former?.periods ?? []), period],
  })
  draft.memberCount++
}

function leave(draft: StateDraft, member: MemberState, time: Time): void {
  draft.members.set(member.username, { ...member, periods: closed(member.periods, time) })
  draft.memberCount--
}

function rank(draft: StateDraft, member: MemberState, { sequence, role }: Time & { role: Role }): void {
  if (member.role === role) throw invalid('the member has this role')
  const roles = [...member.roles, { from: sequence, role }]
  draft.members.set(member.username, { ...member, role, roles })
}

function acceptChain(draft: StateDraft, member: MemberState, entry: Time & AcceptChainChange): void {
  const { accepted } = entry
  if (accepted.chain <= member.chain) throw invalid('the chain is not newer than the accepted one')
  const { history } = member.periods.at(-1)!
  const period = { from: entry.sequence, fromAt: entry.issued, chain: accepted.chain, history }
  draft.members.set(member.username, {
    ...member,
    chain: accepted.chain,
    position: notBehind(member, accepted),
    periods: [...closed(member.periods, entry), period],
  })
}

function closed(periods: readonly Period[], { sequence, issued }: Time): Period[] {
  return [...periods.slice(0, -1), { ...periods.at(-1)!, to: sequence, toAt: issued }]
}

function requireMember(draft: StateDraft, username: string): MemberState {
  const member = draft.members.get(username)
  if (!member || !isCurrentMember(member)) throw invalid('the entry names somebody who is no member')
  return member
}

function invalid(what: string): KeyhavenError {
  return new KeyhavenError('RECORD_INVALID', what)
}
