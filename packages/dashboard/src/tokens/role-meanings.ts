import type { Role } from '../api/session.ts'

export const ROLE_MEANINGS: Readonly<Record<Role, string>> = {
  admin: 'Everything, tokens included',
  'key-manager': 'Applications, their keys and their directory',
  auditor: 'Reads everything, changes nothing',
}
