import { type CryptoBackend, KeyhavenError } from '@keyhaven/crypto'
import {
  type DeviceSigner,
  malformed,
  requireApplication,
  requireHash,
  requireMembers,
  requireWhole,
} from '@keyhaven/messaging'
import { type AuthorKeys, readAuthor, writeAuthor } from '../membership/author.ts'
import { type ConversationState, knowsHead } from '../membership/conversation-state.ts'
import { requireId } from '../membership/ids.ts'
import { MAX_MEMBERSHIP_ENTRIES, MAX_TIME_SECONDS } from '../membership/limits.ts'
import { mayRotateAt } from '../membership/rights.ts'
import { openStatement, requireSignature, signStatement } from '../membership/statement.ts'
import { requireConversationAlgorithm } from './algorithm.ts'
import { requireKeyId, type UnnamedKey } from './key-id.ts'
import { MAX_KEY_RECIPIENTS, type RecipientsRoot, tooMany } from './recipients.ts'

export const KEY_ANNOUNCEMENT_TYP = 'keyhaven-conversation-key+jws'
export const MAX_ANNOUNCEMENT_CHARACTERS = 8_192
const FORM = { typ: KEY_ANNOUNCEMENT_TYP, maxBytes: MAX_ANNOUNCEMENT_CHARACTERS }

/** Which state of the membership: an entry's number and hash. */
export interface MembershipHead {
  readonly sequence: number
  readonly head: string
}

/**
 * What the maker of a sealed key signs: compact JWS, header exactly `{alg, typ:
 * 'keyhaven-conversation-key+jws'}`, alg EdDSA or PS256.
 */
export interface KeyAnnouncement extends UnnamedKey {
  readonly v: 1
  /** Id of the key: follows from the rest, but for the commitment. */
  readonly key: string
  /** 16 random bytes, base64url. */
  readonly nonce: string
  readonly mode: 'sealed'
  /** `commitmentOfKey`, base64url. */
  readonly commitment: string
}

/** What an announcement must speak of. */
export interface AnnouncedKey {
  readonly application: string
  readonly conversation: string
  readonly key: string
}

/**
 * @throws KeyhavenError `SUITE_REFUSED` for a legacy device; `WIRE_MALFORMED` on fields that would be
 * refused.
 */
export async function signKeyAnnouncement(
  signer: DeviceSigner,
  fields: Omit<KeyAnnouncement, 'v' | 'mode'>,
): Promise<string> {
  return signStatement(signer, FORM, readAnnouncement({ v: 1, mode: 'sealed', ...fields }))
}

/** NOT verified: says whose key to verify with. Throws as {@link verifyKeyAnnouncement}. */
export function decodeKeyAnnouncement(announcement: string): KeyAnnouncement {
  return readAnnouncement(openStatement(announcement, FORM))
}

/**
 * The signature and what it speaks of. Whether the maker might make a key, {@link requireMaker} says.
 *
 * @throws KeyhavenError `SIGNATURE_INVALID`, also if it is for another key or conversation; `RECORD_INVALID`
 * if its id does not follow from it; `WIRE_MALFORMED`, `WIRE_TOO_LARGE`, `SUITE_REFUSED`; whatever `authors` throws.
 */
export async function verifyKeyAnnouncement(
  backend: CryptoBackend,
  announcement: string,
  expected: AnnouncedKey & { readonly authors: AuthorKeys },
): Promise<KeyAnnouncement> {
  const decoded = decodeKeyAnnouncement(announcement)
  requireSameKey(decoded, expected)
  await requireKeyId(backend, decoded)
  const key = await expected.authors.signingKey(decoded.by, decoded.issued)
  await requireSignature(backend, key, announcement, FORM)
  return decoded
}

/**
 * Whether the maker was allowed to make a key when the membership was as the announcement says.
 *
 * @returns false if the membership that it names is newer than `state`: fetch and ask again.
 * @throws KeyhavenError `MEMBERSHIP_FORKED`; `ACCESS_DENIED`.
 */
export function requireMaker(state: ConversationState, { by, membership }: KeyAnnouncement): boolean {
  if (!knowsHead(state, membership)) return false
  if (mayRotateAt(state, by, membership.sequence)) return true
  throw new KeyhavenError('ACCESS_DENIED', 'the maker of the key may not make one')
}

/** @throws KeyhavenError `SIGNATURE_INVALID` */
export function requireSameKey(signed: AnnouncedKey, expected: AnnouncedKey): void {
  const { application, conversation, key } = expected
  if (signed.application === application && signed.conversation === conversation && signed.key === key) return
  throw new KeyhavenError('SIGNATURE_INVALID', 'what was signed is about another key')
}

const MEMBERS = ['v', 'application', 'conversation', 'key', 'nonce', 'mode', 'algorithm', 'commitment']
const MORE_MEMBERS = ['membership', 'recipients', 'issued', 'by']

function readAnnouncement(value: unknown): KeyAnnouncement {
  const json = requireMembers(value, [...MEMBERS, ...MORE_MEMBERS], 'key announcement')
  if (json.v !== 1 || json.mode !== 'sealed') throw malformed('key announcement')
  return {
    v: 1,
    application: requireApplication(json.application),
    conversation: requireId(json.conversation, 'conversation'),
    key: requireId(json.key, 'key'),
    nonce: requireId(json.nonce, 'nonce'),
    mode: 'sealed',
    algorithm: requireConversationAlgorithm(json.algorithm),
    commitment: requireHash(json.commitment, 'commitment'),
    membership: readMembershipHead(json.membership),
    recipients: readRecipients(json.recipients),
    issued: requireWhole(json.issued, MAX_TIME_SECONDS, 'issued'),
    by: writeAuthor(readAuthor(json.by)),
  }
}

/** @throws KeyhavenError `WIRE_MALFORMED` */
export function readMembershipHead(value: unknown): MembershipHead {
  const json = requireMembers(value, ['sequence', 'head'], 'membership')
  return {
    sequence: requireWhole(json.sequence, MAX_MEMBERSHIP_ENTRIES - 1, 'sequence'),
    head: requireHash(json.head, 'head'),
  }
}

function readRecipients(value: unknown): RecipientsRoot {
  const json = requireMembers(value, ['count', 'root'], 'recipients')
  const count = requireWhole(json.count, Number.MAX_SAFE_INTEGER, 'recipients')
  if (count > MAX_KEY_RECIPIENTS) throw tooMany()
  if (count === 0) throw malformed('recipients')
  return { count, root: requireHash(json.root, 'root') }
}
