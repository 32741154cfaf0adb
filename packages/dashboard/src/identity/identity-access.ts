import { type Role, useSession } from '../api/session.ts'
import { type IdentityStatus, useStatus } from '../api/status.ts'
import type { IdentityPart } from './identity-path.ts'

interface Access {
  /** Of the process: an IDA has its own dashboard. */
  readonly server: readonly IdentityStatus['role'][]
  /** Whom the server lets read it; `admin` besides. */
  readonly roles: readonly Role[]
}

const REGISTRATIONS: Access = { server: ['main'], roles: ['auditor', 'registration-officer'] }
const PARTNERS: Access = { server: ['main'], roles: ['auditor', 'partner-manager'] }

/** In the order of the tabs. */
const ACCESS: Readonly<Record<IdentityPart, Access>> = {
  registrations: REGISTRATIONS,
  stations: REGISTRATIONS,
  partners: PARTNERS,
  policies: PARTNERS,
  shares: PARTNERS,
  events: PARTNERS,
  authentications: { server: ['ida'], roles: ['auditor'] },
  vault: { server: ['main', 'ida'], roles: ['auditor', 'key-manager'] },
}

/** Parts that a session with these roles may see on a server of this role. */
export function identityPartsFor(server: IdentityStatus['role'], roles: readonly string[]): IdentityPart[] {
  return Object.entries(ACCESS).flatMap(([part, access]) =>
    access.server.includes(server) &&
    (roles.includes('admin') || access.roles.some((role) => roles.includes(role)))
      ? [part as IdentityPart]
      : [],
  )
}

export interface IdentityAccess {
  readonly identity: IdentityStatus
  /** Never empty. */
  readonly parts: readonly IdentityPart[]
}

/** Undefined: the server has no identity capability, or nothing of it is for this session. */
export function useIdentityAccess(): IdentityAccess | undefined {
  const roles = useSession().data?.roles ?? []
  const identity = useStatus().data?.identity
  if (identity === undefined || identity === null) return undefined
  const parts = identityPartsFor(identity.role, roles)
  return parts.length === 0 ? undefined : { identity, parts }
}
