/** What an operator may be. `admin` may do everything. */
export const ROLES = ['admin', 'key-manager', 'auditor'] as const
export type Role = (typeof ROLES)[number]

/**
 * What a route asks for.
 * `read`: applications, keys, usage. `manage-keys`: change them. `read-audit`: the audit log. `read-tokens`:
 * the list of API tokens, never their values. `administer`: tokens and all that is left.
 */
export type Permission = 'read' | 'manage-keys' | 'read-audit' | 'read-tokens' | 'administer'

const PERMISSIONS: Readonly<Record<Role, readonly Permission[]>> = {
  admin: ['read', 'manage-keys', 'read-audit', 'read-tokens', 'administer'],
  'key-manager': ['read', 'manage-keys'],
  auditor: ['read', 'read-audit', 'read-tokens'],
}

export function isRole(value: unknown): value is Role {
  return ROLES.includes(value as Role)
}

export function rolesAllow(roles: readonly Role[], permission: Permission): boolean {
  return roles.some((role) => PERMISSIONS[role].includes(permission))
}

/** The roles that have a permission, for a refusal's text. */
export function rolesWith(permission: Permission): readonly Role[] {
  return ROLES.filter((role) => PERMISSIONS[role].includes(permission))
}

/** As a column holds them. Unknown names (of a later version) give no right. */
export function parseRoles(column: string): Role[] {
  return column.split(',').filter(isRole)
}
