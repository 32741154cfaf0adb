import type { CryptoBackend } from '@keyhaven/crypto'
import { type Author, writeAuthor } from '../membership/author.ts'
import type { ConversationState } from '../membership/conversation-state.ts'
import { type IdSource, newDerivedId, requireDerivedId } from '../membership/ids.ts'
import type { ConversationAlgorithm } from './algorithm.ts'
import type { RecipientsRoot } from './recipients.ts'

/**
 * What an announcement says before its key has an id. The commitment is made with the id, so the id does not
 * follow from it.
 */
export interface UnnamedKey {
  readonly application: string
  readonly conversation: string
  readonly algorithm: ConversationAlgorithm
  /** That it is made for. */
  readonly membership: Pick<ConversationState, 'sequence' | 'head'>
  readonly recipients: RecipientsRoot
  /** Seconds since the epoch. */
  readonly issued: number
  readonly by: Author
}

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
  announced: UnnamedKey & { readonly key: string; readonly nonce: string },
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
