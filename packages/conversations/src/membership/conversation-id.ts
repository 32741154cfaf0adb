import type { CryptoBackend } from '@keyhaven/crypto'
import { type MembershipCommon, type MembershipFields, membershipPayload } from './entry.ts'
import { type IdSource, newDerivedId, requireDerivedId } from './ids.ts'
import type { CreateChange } from './membership-change.ts'

/** A first entry before it has its id. */
export type Creation = Omit<MembershipFields & CreateChange, 'conversation' | 'nonce'>

/** The id of a new conversation, and the nonce that its first entry has with it. */
export async function newConversationId(
  backend: Pick<CryptoBackend, 'randomBytes' | 'sha256'>,
  creation: Creation,
): Promise<{ readonly conversation: string; readonly nonce: string }> {
  const { id: conversation, nonce } = await newDerivedId(backend, sourceOf(creation))
  return { conversation, nonce }
}

/** @throws KeyhavenError `RECORD_INVALID` unless the entry's id follows from the rest of it. */
export function requireConversationId(
  backend: Pick<CryptoBackend, 'sha256'>,
  entry: MembershipCommon & CreateChange,
): Promise<void> {
  return requireDerivedId(backend, sourceOf(entry), { id: entry.conversation, nonce: entry.nonce })
}

function sourceOf(creation: Creation): IdSource {
  return {
    label: 'keyhaven conversation id v1',
    // JSON leaves out what is undefined.
    content: (nonce) => ({
      ...membershipPayload({ ...creation, conversation: '', nonce }),
      conversation: undefined,
    }),
  }
}
