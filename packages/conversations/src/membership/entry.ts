import { type CryptoBackend, KeyhavenError, toBase64url, utf8 } from '@keyhaven/crypto'
import {
  type DeviceSigner,
  malformed,
  requireApplication,
  requireHash,
  requireMembers,
  requireWhole,
} from '@keyhaven/messaging'
import { type Author, readAuthor, writeAuthor } from './author.ts'
import { requireId } from './ids.ts'
import {
  ENTRIES_FOR_REMOVAL,
  MAX_CHANGE_ENTRY_CHARACTERS,
  MAX_MEMBERS_ENTRY_CHARACTERS,
  MAX_MEMBERSHIP_ENTRIES,
  MAX_TIME_SECONDS,
} from './limits.ts'
import {
  CHANGE_MEMBERS,
  kindOf,
  type MembershipChange,
  readChange,
  writeChange,
} from './membership-change.ts'
import { openStatement, requireSignature, signStatement } from './statement.ts'

export const MEMBERSHIP_TYP = 'keyhaven-membership+jws'
const FORM = { typ: MEMBERSHIP_TYP, maxBytes: MAX_MEMBERS_ENTRY_CHARACTERS }

export interface MembershipCommon {
  readonly v: 1
  readonly application: string
  readonly conversation: string
  /** From 0. */
  readonly sequence: number
  /** Hash of the entry before, base64url; null in entry 0. */
  readonly previous: string | null
  /** Seconds since the epoch; never before the previous entry's. */
  readonly issued: number
  readonly by: Author
}

/**
 * Payload of a membership entry: compact JWS, header exactly `{alg, typ: 'keyhaven-membership+jws'}`, alg
 * EdDSA or PS256, signed by the device's recorded signing key.
 */
export type MembershipEntry = MembershipCommon & MembershipChange

/** What {@link signMembershipEntry} is given; it adds `v`. */
export type MembershipFields = Omit<MembershipCommon, 'v'> & MembershipChange

/**
 * Signs as given. Whether the conversation admits it, `extendMembership` says.
 *
 * @throws KeyhavenError `SUITE_REFUSED` for a legacy device; `WIRE_MALFORMED`, `WIRE_TOO_LARGE` on fields
 * that {@link decodeMembershipEntry} would refuse.
 */
export async function signMembershipEntry(signer: DeviceSigner, fields: MembershipFields): Promise<string> {
  const payload = membershipPayload(fields)
  readEntry(payload)
  const maxBytes = limitOf(fields.kind)
  return signStatement(signer, { typ: MEMBERSHIP_TYP, maxBytes }, payload)
}

/** What is signed, its members in the order of the format. */
export function membershipPayload(fields: MembershipFields): MembershipEntry {
  const { application, conversation, sequence, previous, issued, by } = fields
  return {
    ...{ v: 1, application, conversation, sequence, previous, issued, by: writeAuthor(by) },
    ...writeChange(fields),
  }
}

/**
 * Reads an entry strictly and does NOT verify it.
 *
 * @throws KeyhavenError `WIRE_TOO_LARGE` over the limit of its kind, before anything is decoded where it is
 * over all of them; `WIRE_MALFORMED` on another form, an unknown kind, a member that is missing, unknown or
 * wrong; `SUITE_REFUSED`.
 */
export function decodeMembershipEntry(entry: string): MembershipEntry {
  const decoded = readEntry(openStatement(entry, FORM))
  if (entry.length > limitOf(decoded.kind)) throw new KeyhavenError('WIRE_TOO_LARGE', 'the entry is too long')
  return decoded
}

/** SHA-256 of the JWS's ASCII characters, base64url. */
export async function membershipHash(backend: Pick<CryptoBackend, 'sha256'>, entry: string): Promise<string> {
  return toBase64url(await backend.sha256(utf8(entry)))
}

/** What is committed to in the log for an entry: its ASCII characters. */
export function membershipItem(entry: string): Uint8Array {
  return utf8(entry)
}

/** @throws as {@link requireSignature} */
export function requireEntrySignature(
  backend: CryptoBackend,
  key: Parameters<typeof requireSignature>[1],
  entry: string,
): Promise<void> {
  return requireSignature(backend, key, entry, FORM)
}

const COMMON = ['v', 'application', 'conversation', 'sequence', 'previous', 'issued', 'by', 'kind']
function limitOf(kind: MembershipChange['kind']): number {
  return kind === 'create' || kind === 'add' ? MAX_MEMBERS_ENTRY_CHARACTERS : MAX_CHANGE_ENTRY_CHARACTERS
}

function readEntry(value: unknown): MembershipEntry {
  const kind = kindOf(value)
  const json = requireMembers(value, [...COMMON, ...CHANGE_MEMBERS[kind]], 'membership entry')
  if (json.v !== 1) throw malformed('membership entry version')
  const sequence = requireWhole(json.sequence, MAX_MEMBERSHIP_ENTRIES - 1, 'sequence')
  if (kind !== 'remove' && sequence >= MAX_MEMBERSHIP_ENTRIES - ENTRIES_FOR_REMOVAL) {
    throw new KeyhavenError(
      'WIRE_TOO_LARGE',
      'the conversation has too many changes: it takes only removals, create another one',
    )
  }
  return {
    v: 1,
    application: requireApplication(json.application),
    conversation: requireId(json.conversation, 'conversation'),
    sequence,
    previous: json.previous === null ? null : requireHash(json.previous, 'previous'),
    issued: requireWhole(json.issued, MAX_TIME_SECONDS, 'issued'),
    by: readAuthor(json.by),
    ...readChange(kind, json),
  }
}
