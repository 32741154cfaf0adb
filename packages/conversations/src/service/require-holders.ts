import { KeyhavenError } from '@keyhaven/crypto'
import { type ConversationState, currentMembers, type MemberState } from '../membership/conversation-state.ts'
import { type ReadableKey, readPermission } from '../membership/read-permission.ts'
import type { ConversationTransaction } from './ports.ts'
import { secondsOf } from './service-context.ts'

type Key = Pick<ReadableKey, 'membership' | 'madeAt'>

/**
 * Nobody leaves unawares with keys that no other device of a present member has, if anybody who stays might
 * read them.
 *
 * @param after - the membership without who leaves.
 * @throws KeyhavenError `LAST_HOLDER`
 */
export async function requireHolders(
  tx: ConversationTransaction,
  after: ConversationState,
  leaving: string,
): Promise<void> {
  const { application, conversation } = after
  const now = secondsOf(tx.now)
  const keys = await tx.lastHeld(application, conversation, leaving, now)
  if (keys.length === 0) return
  const devices = await tx.eldestDevices(application, conversation, now)
  // Whoever has no device just now may have a new one later.
  const isReader = (member: MemberState) =>
    mayReadAny(after, member, devices.get(member.username) ?? now, keys)
  if (!currentMembers(after).some(isReader)) return
  throw new KeyhavenError('LAST_HOLDER', 'nobody else who stays holds some of the keys: share them first')
}

/** @param keys - oldest first. */
function mayReadAny(
  state: ConversationState,
  { username, chain, periods }: MemberState,
  deviceSince: number,
  keys: readonly Key[],
): boolean {
  const mayRead = (key: Key) =>
    readPermission(state, { username, chain, deviceSince }, { ...key, mode: 'sealed' }).allowed
  // In one stay that lasts, who may read a key may read what is newer: one look, also with many of both.
  return periods.length === 1 ? mayRead(keys.at(-1)!) : keys.some(mayRead)
}
