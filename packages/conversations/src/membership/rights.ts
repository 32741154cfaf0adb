import { type ConversationState, isCurrentMember, type MemberState, memberAt } from './conversation-state.ts'
import type { MembershipChange } from './membership-change.ts'
import type { Role } from './rules.ts'

/** A user, with the number of the chain that the directory has for him now. */
export interface Who {
  readonly username: string
  readonly chain: number
}

export type Verdict = { readonly allowed: true } | { readonly allowed: false; readonly reason: string }

/** Anything that a member may do beside changing the membership. */
export type Permission =
  | 'conversation:read'
  | 'conversation:write'
  | 'conversation:rotate'
  | 'conversation:change'

const ALLOWED: Verdict = { allowed: true }
const WRITERS: readonly Role[] = ['owner', 'admin', 'member']
const RANKED_BY_ADMINS: readonly Role[] = ['member', 'reader']

/** Whether he may send now. */
export function mayWrite(state: ConversationState, who: Who): boolean {
  return mayWriteAt(state, who, state.sequence)
}

/** Whether a message counts that names this entry as its membership. */
export function mayWriteAt(state: ConversationState, who: Who, sequence: number): boolean {
  const member = memberAt(state, who.username, sequence)
  return member !== undefined && member.chain === who.chain && WRITERS.includes(member.role)
}

/** Whether he may make a new key now: whoever may write. */
export function mayRotate(state: ConversationState, who: Who): boolean {
  return mayWrite(state, who)
}

/** Whether a key counts that names this entry as its membership. */
export function mayRotateAt(state: ConversationState, who: Who, sequence: number): boolean {
  return mayWriteAt(state, who, sequence)
}

/**
 * Whether he may make this change. `extendMembership` asks this, and checks beside it that the change makes
 * sense.
 */
export function mayChange(state: ConversationState, who: Who, change: MembershipChange): Verdict {
  const member = state.members.get(who.username)
  if (!member || !isCurrentMember(member)) return refused('not a member')
  if (member.chain !== who.chain) return refused('the chain was reset: it has to be accepted first')
  switch (change.kind) {
    case 'create':
      return refused('the conversation exists')
    case 'add':
      return mayAdd(
        member.role,
        change.members.map(({ role }) => role),
      )
    case 'remove':
      return mayRemove(state, member, change.username)
    case 'role':
      return mayRank(state, member, change)
    case 'mode':
      return member.role === 'owner' ? ALLOWED : refused('only an owner changes the mode')
    case 'rules':
      return isManager(member.role) ? ALLOWED : refused('only an owner or admin may')
    case 'accept-chain':
      return mayAccept(state, member, change.username)
  }
}

function mayAdd(role: Role, added: readonly Role[]): Verdict {
  if (role === 'owner') return ALLOWED
  if (role !== 'admin') return refused('only an owner or admin adds')
  return added.every((one) => RANKED_BY_ADMINS.includes(one))
    ? ALLOWED
    : refused('an admin adds members and readers')
}

function mayRemove(state: ConversationState, by: MemberState, username: string): Verdict {
  if (by.username === username) {
    return isLastOwner(state, by) && state.memberCount > 1 ? refused('name another owner first') : ALLOWED
  }
  if (by.role === 'owner') return ALLOWED
  if (by.role !== 'admin') return refused('only an owner or admin removes others')
  return isRankedByAdmins(state, username) ? ALLOWED : refused('an admin removes members and readers')
}

function mayRank(
  state: ConversationState,
  by: MemberState,
  { username, role }: { readonly username: string; readonly role: Role },
): Verdict {
  if (by.role === 'owner') {
    const stepsDown = by.username === username && role !== 'owner'
    return stepsDown && isLastOwner(state, by) ? refused('name another owner first') : ALLOWED
  }
  if (by.role !== 'admin') return refused('only an owner or admin gives roles')
  return isRankedByAdmins(state, username) && RANKED_BY_ADMINS.includes(role)
    ? ALLOWED
    : refused('an admin ranks members and readers')
}

/** Whoever signs a chain in decides whose devices have the role. */
function mayAccept(state: ConversationState, by: MemberState, username: string): Verdict {
  if (by.role === 'owner') return ALLOWED
  if (by.role !== 'admin') return refused('only an owner or admin accepts a new chain')
  return isRankedByAdmins(state, username)
    ? ALLOWED
    : refused('only an owner accepts the new chain of an owner or admin')
}

function isManager(role: Role): boolean {
  return role === 'owner' || role === 'admin'
}

function isRankedByAdmins(state: ConversationState, username: string): boolean {
  const member = state.members.get(username)
  return member !== undefined && RANKED_BY_ADMINS.includes(member.role)
}

function isLastOwner(state: ConversationState, member: MemberState): boolean {
  if (member.role !== 'owner') return false
  for (const other of state.members.values()) {
    if (other !== member && other.role === 'owner' && isCurrentMember(other)) return false
  }
  return true
}

function refused(reason: string): Verdict {
  return { allowed: false, reason }
}
