import { type CryptoBackend, KeyhavenError } from '@keyhaven/crypto'
import { applyChange, draftOf, startState } from './apply-change.ts'
import type { AuthorKeys } from './author.ts'
import { requireConversationId } from './conversation-id.ts'
import type { ConversationState } from './conversation-state.ts'
import {
  decodeMembershipEntry,
  type MembershipEntry,
  membershipHash,
  requireEntrySignature,
} from './entry.ts'

export interface MembershipExpectation {
  readonly application: string
  readonly conversation: string
  readonly authors: AuthorKeys
}

/**
 * Verifies all entries of a conversation from the first one on. Server and client decide with this one
 * function; only whose key an author has (`authors`) do they find out differently.
 *
 * @throws KeyhavenError `CHAIN_BROKEN` on an entry that is missing or in another place, or an author whose
 * own chain went back; `MEMBERSHIP_FORKED` on an entry that follows another one than the last;
 * `ACCESS_DENIED` on a change that its author may not make; `RECORD_INVALID` on a change that makes no sense,
 * of another conversation, or a first entry that its id does not follow from; `SIGNATURE_INVALID`, `SUITE_REFUSED`, `WIRE_MALFORMED`, `WIRE_TOO_LARGE`;
 * whatever `authors` throws.
 */
export async function foldMembership(
  backend: CryptoBackend,
  entries: readonly string[],
  expected: MembershipExpectation,
): Promise<ConversationState> {
  const [first, ...rest] = entries
  if (first === undefined) throw new KeyhavenError('CHAIN_BROKEN', 'the conversation has no entry')
  const entry = decodeMembershipEntry(first)
  requireSame(entry, expected)
  if (entry.sequence !== 0 || entry.previous !== null || entry.kind !== 'create') {
    throw new KeyhavenError('CHAIN_BROKEN', 'the first entry of the conversation is missing')
  }
  await requireConversationId(backend, entry)
  await requireAuthor(backend, expected.authors, entry, first)
  const state = startState(entry, await membershipHash(backend, first))
  return extendMembership(backend, state, rest, expected)
}

/**
 * Verifies new entries on top of a state, which stays as it is: what is in it is not verified again. Throws
 * as {@link foldMembership}.
 */
export async function extendMembership(
  backend: CryptoBackend,
  state: ConversationState,
  entries: readonly string[],
  { authors }: Pick<MembershipExpectation, 'authors'>,
): Promise<ConversationState> {
  if (entries.length === 0) return state
  const draft = draftOf(state)
  for (const jws of entries) {
    const entry = decodeMembershipEntry(jws)
    requireSame(entry, draft)
    if (entry.sequence !== draft.sequence + 1) {
      throw new KeyhavenError('CHAIN_BROKEN', 'an entry of the conversation is missing')
    }
    if (entry.previous !== draft.head) {
      throw new KeyhavenError('MEMBERSHIP_FORKED', 'the entry follows another one than the last')
    }
    if (entry.issued < draft.issued) {
      throw new KeyhavenError('RECORD_INVALID', 'the entry is dated before the one it follows')
    }
    await requireAuthor(backend, authors, entry, jws)
    applyChange(draft, entry, await membershipHash(backend, jws))
  }
  return draft
}

async function requireAuthor(
  backend: CryptoBackend,
  authors: AuthorKeys,
  { by, issued }: MembershipEntry,
  jws: string,
): Promise<void> {
  await requireEntrySignature(backend, await authors.signingKey(by, issued), jws)
}

function requireSame(
  entry: MembershipEntry,
  expected: { readonly application: string; readonly conversation: string },
): void {
  if (entry.application !== expected.application || entry.conversation !== expected.conversation) {
    throw new KeyhavenError('RECORD_INVALID', 'the entry belongs to another conversation')
  }
}
