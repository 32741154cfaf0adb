import { malformed, requireHash, requireUsername } from '@keyhaven/messaging'
import { verifyKeyAnnouncement } from '../key/announcement.ts'
import { readKeyObject } from '../key/key-object.ts'
import { MAX_KEY_RECIPIENTS, recipientsRoot } from '../key/recipients.ts'
import { memberAt } from '../membership/conversation-state.ts'
import { requireId } from '../membership/ids.ts'
import { readPage } from './answers.ts'
import type { ClientContext } from './client-context.ts'
import { ConversationError } from './conversation-error.ts'
import type { KeyHolder } from './conversations.ts'
import type { Memberships } from './memberships.ts'

/**
 * All devices that the maker of a sealed key has wrapped it for: whoever looks can see that nobody else is
 * among them.
 */
export async function listHolders(
  context: ClientContext,
  memberships: Memberships,
  keyId: string,
): Promise<readonly KeyHolder[]> {
  const { api, application, backend, people: authors } = context
  const object = readKeyObject(await api.json('GET', `/v1/keys/${requireId(keyId, 'key id')}`))
  if (object.mode !== 'sealed') {
    throw new ConversationError('RECORD_INVALID', 'a managed key is held by the server')
  }
  const { conversation, announcement } = object
  const expected = { application, conversation, key: keyId, authors }
  const { membership, recipients } = await verifyKeyAnnouncement(backend, announcement, expected)
  const { state } = await memberships.reach(conversation, membership)
  const holders: KeyHolder[] = []
  for (let query = ''; ; ) {
    const { items, next } = readPage(await api.json('GET', `/v1/keys/${keyId}/recipients${query}`))
    for (const { username, device, thumbprint } of items) {
      holders.push({
        username: requireUsername(username),
        device: requireId(device, 'device'),
        thumbprint: requireHash(thumbprint, 'thumbprint'),
      })
    }
    if (holders.length > MAX_KEY_RECIPIENTS) throw malformed('recipients')
    if (next === undefined || items.length === 0) break
    query = `?after=${encodeURIComponent(next)}`
  }
  const { count, root } = await recipientsRoot(backend, holders)
  if (count !== recipients.count || root !== recipients.root) {
    throw new ConversationError(
      'PROOF_INVALID',
      'these are not the devices that the maker of the key has signed',
    )
  }
  const stranger = holders.some(({ username }) => !memberAt(state, username, membership.sequence))
  if (stranger)
    throw new ConversationError('RECORD_INVALID', 'the key was made for somebody who was no member')
  return holders
}
