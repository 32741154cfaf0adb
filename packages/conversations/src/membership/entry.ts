import { type CryptoBackend, KeyhavenError, toBase64url, utf8 } from '@keyhaven/crypto'
import {
  type DeviceSigner,
  type JsonObject,
  malformed,
  requireApplication,
  requireHash,
  requireMembers,
  requireUsername,
  requireWhole,
} from '@keyhaven/messaging'
import { type ConversationAlgorithm, requireConversationAlgorithm } from '../key/algorithm.ts'
import { type Author, type ChainPin, readAuthor, readPin, writeAuthor } from './author.ts'
import { requireId } from './ids.ts'
import {
  MAX_CHANGE_ENTRY_CHARACTERS,
  MAX_MEMBERS_ENTRY_CHARACTERS,
  MAX_MEMBERS_PER_ENTRY,
  MAX_MEMBERSHIP_ENTRIES,
  MAX_REASON_CHARACTERS,
  MAX_TIME_SECONDS,
} from './limits.ts'
import {
  type HistoryRule,
  type Mode,
  type Role,
  type RotationRule,
  readHistory,
  readMode,
  readRetention,
  readRole,
  readRotation,
  writeHistory,
  writeRotation,
} from './rules.ts'
import { openStatement, requireSignature, signStatement } from './statement.ts'

export const MEMBERSHIP_TYP = 'keyhaven-membership+jws'
const FORM = { typ: MEMBERSHIP_TYP, maxBytes: MAX_MEMBERS_ENTRY_CHARACTERS }

/** Who comes in: `{username, role, chain, head, sequence, history?}`. The position in the user's chain is pinned. */
export interface Member extends ChainPin {
  readonly username: string
  readonly role: Role
  /** In place of the conversation's at joining. */
  readonly history?: HistoryRule
}

export interface CreateChange {
  readonly kind: 'create'
  readonly mode: Mode
  readonly algorithm: ConversationAlgorithm
  readonly history: HistoryRule
  readonly rotation: RotationRule
  /** Days; null: for ever. */
  readonly retention: number | null
  /** With the creator, an owner, among them. */
  readonly members: readonly Member[]
}
export interface AddChange {
  readonly kind: 'add'
  readonly members: readonly Member[]
}
/** Of oneself: leaving. */
export interface RemoveChange {
  readonly kind: 'remove'
  readonly username: string
  readonly reason?: string
}
export interface RoleChange {
  readonly kind: 'role'
  readonly username: string
  readonly role: Role
}
/** At least one of the three. A history rule counts for whoever joins later. */
export interface RulesChange {
  readonly kind: 'rules'
  readonly history?: HistoryRule
  readonly rotation?: RotationRule
  readonly retention?: number | null
}
/** No key is carried over. */
export interface ModeChange {
  readonly kind: 'mode'
  readonly mode: Mode
}
/** Signs in the chain that a member has after a reset. */
export interface AcceptChainChange {
  readonly kind: 'accept-chain'
  readonly username: string
  readonly accepted: ChainPin
}

export type MembershipChange =
  | CreateChange
  | AddChange
  | RemoveChange
  | RoleChange
  | RulesChange
  | ModeChange
  | AcceptChainChange

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
 * Payload of a membership entry: compact JWS, header exactly `{alg, typ: 'keyhaven-membership+jws'}`, alg EdDSA or PS256,
 * signed by the device's recorded signing key.
 */
export type MembershipEntry = MembershipCommon & MembershipChange

/** What {@link signMembershipEntry} is given; it adds `v`. */
export type MembershipFields = Omit<MembershipCommon, 'v'> & MembershipChange

/**
 * Signs as given. Whether the conversation admits it, `extendMembership` says.
 *
 * @throws KeyhavenError `SUITE_REFUSED` for a legacy device; `WIRE_MALFORMED`, `WIRE_TOO_LARGE` on fields that
 * {@link decodeMembershipEntry} would refuse.
 */
export async function signMembershipEntry(signer: DeviceSigner, fields: MembershipFields): Promise<string> {
  const { application, conversation, sequence, previous, issued, by } = fields
  const payload = {
    ...{ v: 1, application, conversation, sequence, previous, issued, by: writeAuthor(by) },
    ...writeChange(fields),
  }
  readEntry(payload)
  const maxBytes = limitOf(fields.kind)
  return signStatement(signer, { typ: MEMBERSHIP_TYP, maxBytes }, payload)
}

/**
 * Reads an entry strictly and does NOT verify it.
 *
 * @throws KeyhavenError `WIRE_TOO_LARGE` over the limit of its kind, before anything is decoded where it is over all of
 * them; `WIRE_MALFORMED` on another form, an unknown kind, a member that is missing, unknown or wrong; `SUITE_REFUSED`.
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
const MEMBERS: Readonly<Record<MembershipChange['kind'], readonly string[]>> = {
  create: ['mode', 'algorithm', 'history', 'rotation', 'retention', 'members'],
  add: ['members'],
  remove: ['username', 'reason?'],
  role: ['username', 'role'],
  rules: ['history?', 'rotation?', 'retention?'],
  mode: ['mode'],
  'accept-chain': ['username', 'accepted'],
}

function limitOf(kind: MembershipChange['kind']): number {
  return kind === 'create' || kind === 'add' ? MAX_MEMBERS_ENTRY_CHARACTERS : MAX_CHANGE_ENTRY_CHARACTERS
}

function readEntry(value: unknown): MembershipEntry {
  const kind = kindOf(value)
  const json = requireMembers(value, [...COMMON, ...MEMBERS[kind]], 'membership entry')
  if (json.v !== 1) throw malformed('membership entry version')
  const sequence = requireWhole(json.sequence, MAX_MEMBERSHIP_ENTRIES - 1, 'sequence')
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

function kindOf(value: unknown): MembershipChange['kind'] {
  const kind = typeof value === 'object' && value !== null && (value as { kind?: unknown }).kind
  if (typeof kind !== 'string' || !Object.hasOwn(MEMBERS, kind)) throw malformed('membership entry kind')
  return kind as MembershipChange['kind']
}

function readChange(kind: MembershipChange['kind'], json: JsonObject): MembershipChange {
  switch (kind) {
    case 'create':
      return {
        kind,
        mode: readMode(json.mode),
        algorithm: requireConversationAlgorithm(json.algorithm),
        history: readHistory(json.history),
        rotation: readRotation(json.rotation),
        retention: readRetention(json.retention),
        members: readMembers(json.members),
      }
    case 'add':
      return { kind, members: readMembers(json.members) }
    case 'remove': {
      const username = requireUsername(json.username)
      return json.reason === undefined
        ? { kind, username }
        : { kind, username, reason: readReason(json.reason) }
    }
    case 'role':
      return { kind, username: requireUsername(json.username), role: readRole(json.role) }
    case 'rules':
      return readRules(json)
    case 'mode':
      return { kind, mode: readMode(json.mode) }
    case 'accept-chain':
      return { kind, username: requireUsername(json.username), accepted: readAccepted(json.accepted) }
  }
}

function readRules(json: JsonObject): RulesChange {
  const { history, rotation, retention } = json
  if (history === undefined && rotation === undefined && retention === undefined) throw malformed('rules')
  return {
    kind: 'rules',
    ...(history !== undefined && { history: readHistory(history) }),
    ...(rotation !== undefined && { rotation: readRotation(rotation) }),
    ...(retention !== undefined && { retention: readRetention(retention) }),
  }
}

function readMembers(value: unknown): Member[] {
  if (!Array.isArray(value) || value.length === 0) throw malformed('members')
  if (value.length > MAX_MEMBERS_PER_ENTRY) {
    throw new KeyhavenError('WIRE_TOO_LARGE', `an entry names at most ${MAX_MEMBERS_PER_ENTRY} members`)
  }
  const members = value.map(readMember)
  if (new Set(members.map(({ username }) => username)).size !== members.length) throw malformed('members')
  return members
}

function readMember(value: unknown): Member {
  const json = requireMembers(value, ['username', 'role', 'chain', 'head', 'sequence', 'history?'], 'member')
  return {
    username: requireUsername(json.username),
    role: readRole(json.role),
    ...readPin(json),
    ...(json.history !== undefined && { history: readHistory(json.history) }),
  }
}

function readAccepted(value: unknown): ChainPin {
  return readPin(requireMembers(value, ['chain', 'head', 'sequence'], 'accepted'))
}

const UNSEEN = /[\p{Cc}\p{Zl}\p{Zp}\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/u

function readReason(value: unknown): string {
  const fits = typeof value === 'string' && value.length <= MAX_REASON_CHARACTERS && value.isWellFormed()
  if (!fits || UNSEEN.test(value)) throw malformed('reason')
  return value
}

/** Members in the order in which they are signed. */
function writeChange(change: MembershipChange): MembershipChange {
  const { kind } = change
  switch (kind) {
    case 'create': {
      const { mode, algorithm, retention } = change
      const rules = { history: writeHistory(change.history), rotation: writeRotation(change.rotation) }
      return { kind, mode, algorithm, ...rules, retention, members: change.members.map(writeMember) }
    }
    case 'add':
      return { kind, members: change.members.map(writeMember) }
    case 'remove': {
      const { username, reason } = change
      return { kind, username, ...(reason !== undefined && { reason }) }
    }
    case 'role':
      return { kind, username: change.username, role: change.role }
    case 'rules': {
      const { history, rotation, retention } = change
      return {
        kind,
        ...(history && { history: writeHistory(history) }),
        ...(rotation && { rotation: writeRotation(rotation) }),
        ...(retention !== undefined && { retention }),
      }
    }
    case 'mode':
      return { kind, mode: change.mode }
    case 'accept-chain': {
      const { chain, head, sequence } = change.accepted
      return { kind, username: change.username, accepted: { chain, head, sequence } }
    }
  }
}

function writeMember({ username, role, chain, head, sequence, history }: Member): Member {
  return { username, role, chain, head, sequence, ...(history && { history: writeHistory(history) }) }
}
