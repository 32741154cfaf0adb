import { KeyhavenError } from '@keyhaven/crypto'
import { requireUsername } from '@keyhaven/messaging'
import { requireId } from '../membership/ids.ts'
import { MAX_REASON_CHARACTERS } from '../membership/limits.ts'
import { readReason } from '../membership/membership-change.ts'
import {
  type HistoryRule,
  MODES,
  type Mode,
  ROLES,
  type Role,
  readHistory,
  readMode,
  readRetention,
  readRole,
  readRotation,
} from '../membership/rules.ts'
import { encodeFileContent, type FileContent } from '../message/file-content.ts'
import type { ConversationRules } from './conversations.ts'

/** How each argument of an app must be. */
const SHAPES = {
  id: '22 characters, as `conversation.id` is',
  keyId: '22 characters, as `encrypt` gave it',
  username: 'a username of the directory',
  role: ROLES.join(', '),
  mode: MODES.join(' or '),
  reason: `text of at most ${MAX_REASON_CHARACTERS} characters on one line`,
  history: "{ members: 'all', 'joined' or seconds since 1970, devices: 'all' or 'joined' }",
  rotation: '{ maxAge: seconds or null, maxMessages: a count or null }',
  retention: 'days, at least 1, or null',
  file: 'what `files.upload` gave',
} as const

// Each throws a TypeError before anything is called: what an app passes is its own, and no record of anybody.

export function requireIdArgument(id: string, name: 'id' | 'keyId' = 'id'): void {
  check(name, () => requireId(id, name))
}

export function requireMembersArgument(members: Readonly<Record<string, Role>>, history?: HistoryRule): void {
  for (const [username, role] of Object.entries(members)) requireRoleArgument(username, role)
  requireRulesArgument({ ...(history !== undefined && { history }) })
}

export function requireRoleArgument(username: string, role: Role): void {
  requireUsernameArgument(username)
  check('role', () => readRole(role))
}

export function requireUsernameArgument(username: string, reason?: string): void {
  check('username', () => requireUsername(username))
  if (reason !== undefined) check('reason', () => readReason(reason))
}

export function requireModeArgument(mode: Mode): void {
  check('mode', () => readMode(mode))
}

export function requireRulesArgument({ history, rotation, retention }: ConversationRules): void {
  if (history !== undefined) check('history', () => readHistory(history))
  if (rotation !== undefined) check('rotation', () => readRotation(rotation))
  if (retention !== undefined) check('retention', () => readRetention(retention))
}

/** Of a change: at least one rule. */
export function requireNewRulesArgument(rules: ConversationRules): void {
  const { history, rotation, retention } = rules
  if (history === undefined && rotation === undefined && retention === undefined) {
    throw new TypeError('rules: history, rotation or retention')
  }
  requireRulesArgument(rules)
}

/** @returns the bytes of a message of kind `file`. */
export function fileArgument(content: FileContent): Uint8Array {
  return check('file', () => encodeFileContent(content))
}

function check<T>(name: keyof typeof SHAPES, read: () => T): T {
  try {
    return read()
  } catch (cause) {
    if (cause instanceof KeyhavenError) throw new TypeError(`${name}: ${SHAPES[name]}`, { cause })
    throw cause
  }
}
