import type { MembershipEntry } from '../membership/entry.ts'
import type { ConversationChange } from './conversations.ts'

const MS_PER_SECOND = 1_000

/** The change alone, for people. */
export function changeOf(entry: MembershipEntry, head: string): ConversationChange {
  const { v: _, application: __, conversation: ___, sequence, previous: ____, issued, by, ...change } = entry
  return {
    sequence,
    head,
    by: { username: by.username, device: by.device },
    time: new Date(issued * MS_PER_SECOND),
    change,
  }
}
