/** What an operator may be. `admin` may do everything. */
export const ROLES = [
  'admin',
  'key-manager',
  'auditor',
  'partner-manager',
  'registration-officer',
  'identity-service',
] as const
export type Role = (typeof ROLES)[number]

/**
 * What a route asks for.
 * `read`: applications, keys, usage. `manage-keys`: change them. `read-audit`: the audit log. `read-tokens`:
 * the list of API tokens, never their values. `administer`: tokens and all that is left. Of the identity
 * capability `manage-partners`: partners, policies, their shares and events. `read-registrations`,
 * `manage-registrations`: who is enrolled and how far, and what an operator decides there.
 * `use-identity-keys`: encrypt, decrypt and share as a service of the identity system does.
 */
export type Permission =
  | 'read'
  | 'manage-keys'
  | 'read-audit'
  | 'read-tokens'
  | 'administer'
  | 'manage-partners'
  | 'read-registrations'
  | 'manage-registrations'
  | 'use-identity-keys'

const PERMISSIONS: Readonly<Record<Role, readonly Permission[]>> = {
  admin: [
    'read',
    'manage-keys',
    'read-audit',
    'read-tokens',
    'administer',
    'manage-partners',
    'read-registrations',
    'manage-registrations',
    'use-identity-keys',
  ],
  'key-manager': ['read', 'manage-keys'],
  auditor: ['read', 'read-audit', 'read-tokens', 'read-registrations'],
  'partner-manager': ['read', 'manage-partners'],
  'registration-officer': ['read', 'read-registrations', 'manage-registrations'],
  'identity-service': ['read-registrations', 'use-identity-keys'],
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
