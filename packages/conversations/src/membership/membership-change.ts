import { KeyhavenError } from '@keyhaven/crypto'
import { type JsonObject, malformed, requireMembers, requireUsername } from '@keyhaven/messaging'
import { type ConversationAlgorithm, requireConversationAlgorithm } from '../key/algorithm.ts'
import { type ChainPin, readPin } from './author.ts'
import { requireId } from './ids.ts'
import { MAX_MEMBERS_PER_ENTRY, MAX_REASON_CHARACTERS } from './limits.ts'
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

/**
 * Who comes in: `{username, role, chain, head, sequence, history?}`. The position in the user's chain is
 * pinned.
 */
export interface Member extends ChainPin {
  readonly username: string
  readonly role: Role
  /** In place of the conversation's at joining. */
  readonly history?: HistoryRule
}

export interface CreateChange {
  readonly kind: 'create'
  /** 16 random bytes, base64url: with it the conversation's id follows from the entry. */
  readonly nonce: string
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

/** Members of a payload that each kind has of its own; `?` marks one that may lack. */
export const CHANGE_MEMBERS: Readonly<Record<MembershipChange['kind'], readonly string[]>> = {
  create: ['nonce', 'mode', 'algorithm', 'history', 'rotation', 'retention', 'members'],
  add: ['members'],
  remove: ['username', 'reason?'],
  role: ['username', 'role'],
  rules: ['history?', 'rotation?', 'retention?'],
  mode: ['mode'],
  'accept-chain': ['username', 'accepted'],
}

/** @throws KeyhavenError `WIRE_MALFORMED` on a kind that is not known. */
export function kindOf(value: unknown): MembershipChange['kind'] {
  const kind = typeof value === 'object' && value !== null && (value as { kind?: unknown }).kind
  if (typeof kind !== 'string' || !Object.hasOwn(CHANGE_MEMBERS, kind))
    throw malformed('membership entry kind')
  return kind as MembershipChange['kind']
}

/** @throws KeyhavenError `WIRE_MALFORMED`, `WIRE_TOO_LARGE`, `SUITE_REFUSED` */
export function readChange(kind: MembershipChange['kind'], json: JsonObject): MembershipChange {
  switch (kind) {
    case 'create':
      return {
        kind,
        nonce: requireId(json.nonce, 'nonce'),
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

/** @throws KeyhavenError `WIRE_MALFORMED` */
export function readReason(value: unknown): string {
  const fits = typeof value === 'string' && value.length <= MAX_REASON_CHARACTERS && value.isWellFormed()
  if (!fits || UNSEEN.test(value)) throw malformed('reason')
  return value
}

/** Members in the order in which they are signed. */
export function writeChange(change: MembershipChange): MembershipChange {
  const { kind } = change
  switch (kind) {
    case 'create': {
      const { nonce, mode, algorithm, retention } = change
      const rules = { history: writeHistory(change.history), rotation: writeRotation(change.rotation) }
      return { kind, nonce, mode, algorithm, ...rules, retention, members: change.members.map(writeMember) }
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
