import type { CryptoBackend } from '@keyhaven/crypto'
import { writeAuthor } from '../membership/author.ts'
import { type IdSource, newDerivedId, requireDerivedId } from '../membership/ids.ts'
import type { KeyAnnouncement } from './announcement.ts'

/** An announcement before its key has an id. The commitment is made with the id, so the id is not of it. */
export type UnnamedKey = Omit<KeyAnnouncement, 'v' | 'mode' | 'key' | 'nonce' | 'commitment'>

/** The id of a new sealed key, and the nonce that its announcement has with it. */
export async function newKeyId(
  backend: Pick<CryptoBackend, 'randomBytes' | 'sha256'>,
  announced: UnnamedKey,
): Promise<{ readonly key: string; readonly nonce: string }> {
  const { id: key, nonce } = await newDerivedId(backend, sourceOf(announced))
  return { key, nonce }
}

/** @throws KeyhavenError `RECORD_INVALID` unless the key's id follows from its announcement. */
export function requireKeyId(
  backend: Pick<CryptoBackend, 'sha256'>,
  announced: KeyAnnouncement,
): Promise<void> {
  return requireDerivedId(backend, sourceOf(announced), { id: announced.key, nonce: announced.nonce })
}

function sourceOf({ application, conversation, algorithm, issued, ...announced }: UnnamedKey): IdSource {
  const membership = { sequence: announced.membership.sequence, head: announced.membership.head }
  const recipients = { count: announced.recipients.count, root: announced.recipients.root }
  const by = writeAuthor(announced.by)
  return {
    label: 'keyhaven conversation key id v1',
    content: (nonce) => ({
      ...{ v: 1, application, conversation, nonce, mode: 'sealed', algorithm },
      ...{ membership, recipients, issued, by },
    }),
  }
}
