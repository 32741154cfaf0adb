import { decodeMembershipEntry, membershipHash } from '../membership/entry.ts'
import { readMembershipAnswer } from './answers.ts'
import { changeOf } from './change-of.ts'
import type { ClientContext } from './client-context.ts'
import { ConversationError } from './conversation-error.ts'
import type { ConversationChange } from './conversations.ts'
import type { Memberships } from './memberships.ts'

/** All changes from the server, each the very one that was verified. */
export async function* listChanges(
  context: ClientContext,
  memberships: Memberships,
  id: string,
  after = -1,
): AsyncGenerator<ConversationChange> {
  const { state } = await memberships.refresh(id)
  for (let from = after; from < state.sequence; ) {
    const query = from < 0 ? '' : `?after=${from}`
    const answer = readMembershipAnswer(await context.api.json('GET', `/v1/conversations/${id}${query}`))
    for (const { entry } of answer.entries) {
      from++
      if (from > state.sequence) return
      const head = await membershipHash(context.backend, entry)
      if (head !== state.heads[from]) {
        await memberships.markForked(id)
        throw new ConversationError('MEMBERSHIP_FORKED', 'the server shows another history than before')
      }
      yield changeOf(decodeMembershipEntry(entry), head)
    }
    if (answer.entries.length === 0) {
      throw new ConversationError('CHAIN_BROKEN', 'the server holds back entries of the membership')
    }
  }
}
