import { malformed, requireMembers, requireWhole } from '@keyhaven/messaging'
import { MAX_RETENTION_DAYS, MAX_TIME_SECONDS } from './limits.ts'

/**
 * - owner: everything.
 * - admin: adds, removes and ranks members and readers; rules; accepts a chain after a reset.
 * - member: writes, rotates, leaves.
 * - reader: reads, leaves.
 */
export type Role = 'owner' | 'admin' | 'member' | 'reader'
export const ROLES: readonly Role[] = ['owner', 'admin', 'member', 'reader']

/** `managed`: the server holds the keys. `sealed`: made on a device and wrapped to each member device. */
export type Mode = 'managed' | 'sealed'
export const MODES: readonly Mode[] = ['managed', 'sealed']

/** Which keys from before may be read. */
export interface HistoryRule {
  /** By a member: all, those since joining, or those made from a date on (seconds since the epoch). */
  readonly members: 'all' | 'joined' | number
  /** By a member's new device: all that its user may, or those made since the device's first entry. */
  readonly devices: 'all' | 'joined'
}

/** When a new key is due, beside each change of membership. */
export interface RotationRule {
  /** Seconds. */
  readonly maxAge: number | null
  readonly maxMessages: number | null
}

export function readRole(value: unknown): Role {
  const role = ROLES.find((name) => name === value)
  if (!role) throw malformed('role')
  return role
}

export function readMode(value: unknown): Mode {
  const mode = MODES.find((name) => name === value)
  if (!mode) throw malformed('mode')
  return mode
}

export function readHistory(value: unknown): HistoryRule {
  const { members, devices } = requireMembers(value, ['members', 'devices'], 'history')
  if (devices !== 'all' && devices !== 'joined') throw malformed('history')
  if (members === 'all' || members === 'joined') return { members, devices }
  return { members: requireWhole(members, MAX_TIME_SECONDS, 'history'), devices }
}

export function readRotation(value: unknown): RotationRule {
  const json = requireMembers(value, ['maxAge', 'maxMessages'], 'rotation')
  return { maxAge: readLimit(json.maxAge), maxMessages: readLimit(json.maxMessages) }
}

/** Days, or null: kept for ever. */
export function readRetention(value: unknown): number | null {
  if (value === null) return null
  const days = requireWhole(value, MAX_RETENTION_DAYS, 'retention')
  if (days === 0) throw malformed('retention')
  return days
}

function readLimit(value: unknown): number | null {
  if (value === null) return null
  const limit = requireWhole(value, Number.MAX_SAFE_INTEGER, 'rotation')
  if (limit === 0) throw malformed('rotation')
  return limit
}

// Members in the order in which they are signed.
export const writeHistory = ({ members, devices }: HistoryRule): HistoryRule => ({ members, devices })
export const writeRotation = ({ maxAge, maxMessages }: RotationRule): RotationRule => ({
  maxAge,
  maxMessages,
})
