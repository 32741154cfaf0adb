import { KeyhavenError } from '@keyhaven/crypto'
import type { ChainPin } from '../membership/author.ts'
import type { MembershipEntry } from '../membership/entry.ts'
import type { ConversationTransaction } from './ports.ts'

/**
 * Whether what an entry says of users' chains is what the directory has: its author's, and those of whom it
 * brings in.
 *
 * @throws KeyhavenError `NOT_FOUND` if there is no such user, `DIRECTORY_STALE` if one was reset since,
 * `RECORD_INVALID` if a head is not that of the entry named.
 */
export async function requireChains(
  tx: ConversationTransaction,
  application: string,
  entry: MembershipEntry,
): Promise<void> {
  const pins = new Map<string, ChainPin>([[entry.by.username, entry.by]])
  if (entry.kind === 'create' || entry.kind === 'add') {
    for (const member of entry.members) pins.set(member.username, member)
  }
  const named = [...pins].map(([username, { sequence }]) => ({ username, sequence }))
  if (entry.kind === 'accept-chain') {
    pins.set(entry.username, entry.accepted)
    named.push({ username: entry.username, sequence: entry.accepted.sequence })
  }
  const found = await tx.chainPositions(application, named)
  for (const [username, pin] of pins) {
    const position = found.get(username)
    if (position === undefined) throw new KeyhavenError('NOT_FOUND', 'members: there is no such user')
    if (position.chain !== pin.chain) {
      throw new KeyhavenError('DIRECTORY_STALE', 'members: a user was reset since: look it up again')
    }
    if (position.named !== pin.head) {
      throw new KeyhavenError('RECORD_INVALID', "members: a head is not in the user's chain")
    }
  }
}
