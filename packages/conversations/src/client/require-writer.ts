import type { ConversationState } from '../membership/conversation-state.ts'
import { mayWrite, type Who } from '../membership/rights.ts'
import { ConversationError } from './conversation-error.ts'
import type { Membership } from './membership-memory.ts'

/** @throws KeyhavenError `MEMBERSHIP_FORKED` */
export function requireSending({ forked }: Membership): void {
  if (forked) throw new ConversationError('MEMBERSHIP_FORKED', 'this conversation has two histories')
}

/** @throws KeyhavenError `ACCESS_DENIED` unless he may write now. */
export function requireWriter(state: ConversationState, who: Who): void {
  if (mayWrite(state, who)) return
  const member = state.members.get(who.username)
  const isOut = !member || member.periods.at(-1)?.to !== undefined
  const reason = isOut ? 'not-a-member' : member.chain === who.chain ? 'role' : 'reset'
  const what = {
    'not-a-member': 'you are no member of this conversation',
    role: 'a reader does not write',
    reset: 'your devices were reset, and the conversation has not accepted your new chain',
  }[reason]
  throw new ConversationError('ACCESS_DENIED', what, { permission: 'conversation:write', reason })
}
