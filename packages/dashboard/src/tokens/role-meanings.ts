import type { Role } from '../api/session.ts'

export const ROLE_MEANINGS: Readonly<Record<Role, string>> = {
  admin: 'Everything, tokens included',
  'key-manager': 'Applications, their keys and their directory',
  auditor: 'Reads everything, changes nothing',
  'partner-manager': 'Partners of the identity system, their policies, shares and events',
  'registration-officer': 'Registrations of the identity system',
  'identity-service': 'For services of the identity system: its keys and shares',
}
