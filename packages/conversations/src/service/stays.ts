import { LEGACY_PROFILE } from '../key/legacy-profile.ts'
import type { ConversationState, MemberState } from '../membership/conversation-state.ts'
import {
  type ReadableKey,
  type ReadPermission,
  type ReadRule,
  readPermission,
} from '../membership/read-permission.ts'
import type { Role } from '../membership/rules.ts'
import { AccessRefused, unknownHere } from './refusals.ts'
import type { StoredDeviceFacts, StoredStay } from './stored-rows.ts'

/** The stays of all members that an entry changed, as rows. */
export function changedStays(
  before: ConversationState | undefined,
  after: ConversationState,
): readonly StoredStay[] {
  const rows: StoredStay[] = []
  for (const [username, member] of after.members) {
    if (before?.members.get(username) === member) continue
    rows.push(...staysOf(member))
  }
  return rows
}

function staysOf(member: MemberState): StoredStay[] {
  return member.periods.map(({ from, fromAt, to, toAt, chain, history }, at) => ({
    username: member.username,
    role: at === member.periods.length - 1 ? member.role : lastRole(member, to!),
    chain,
    from,
    fromAt,
    to: to ?? null,
    toAt: toAt ?? null,
    history,
  }))
}

function lastRole({ roles, role }: MemberState, before: number): Role {
  return roles.findLast(({ from }) => from < before)?.role ?? role
}

/** As the rows have one user: enough for every question about this user. */
export function memberOf(stays: readonly StoredStay[]): MemberState | undefined {
  const last = stays.at(-1)
  if (last === undefined) return undefined
  return {
    username: last.username,
    role: last.role,
    roles: [],
    chain: last.chain,
    position: { sequence: 0, head: '' },
    periods: stays.map(({ from, fromAt, to, toAt, chain, history }) => ({
      ...{ from, fromAt, chain, history },
      ...(to !== null && { to }),
      ...(toAt !== null && { toAt }),
    })),
  }
}

/** {@link readPermission} by the rows of one user. */
export function permissionOf(
  stays: readonly StoredStay[],
  device: StoredDeviceFacts,
  key: ReadableKey,
): ReadPermission {
  const member = memberOf(stays)
  const members = new Map(member === undefined ? [] : [[member.username, member]])
  const { username, chain, since: deviceSince, profile } = device
  return readPermission(
    { members },
    { username, chain, deviceSince, legacy: profile === LEGACY_PROFILE },
    key,
  )
}

/**
 * By which rule a device may read what was made then.
 *
 * @throws KeyhavenError `NOT_FOUND` for a stranger; AccessRefused.
 */
export function requireReadable(
  stays: readonly StoredStay[],
  device: StoredDeviceFacts,
  key: ReadableKey,
): ReadRule {
  const verdict = permissionOf(stays, device, key)
  if (verdict.allowed) return verdict.rule
  if (verdict.reason === 'stranger') throw unknownHere()
  throw new AccessRefused(verdict.permission, verdict.reason)
}

/**
 * The caller's present stay.
 *
 * @throws KeyhavenError `NOT_FOUND` for a stranger; AccessRefused for who is none any more, or was reset.
 */
export function requireMember(
  stays: readonly StoredStay[],
  device: StoredDeviceFacts,
  permission: 'conversation:read' | 'conversation:write' | 'conversation:rotate' | 'conversation:change',
): StoredStay {
  const last = stays.at(-1)
  if (last === undefined) throw unknownHere()
  if (last.chain !== device.chain) throw new AccessRefused(permission, 'reset')
  if (last.to !== null) throw new AccessRefused(permission, 'not-a-member')
  if (permission !== 'conversation:read' && last.role === 'reader')
    throw new AccessRefused(permission, 'role')
  return last
}
