export type IdentityPart =
  | 'registrations'
  | 'stations'
  | 'partners'
  | 'policies'
  | 'shares'
  | 'events'
  | 'vault'
  | 'authentications'

export const IDENTITY_PATH = '/identity'

/** The address of a part of the identity capability within the dashboard. */
export function identityPartPath(part: IdentityPart): string {
  return `${IDENTITY_PATH}/${part}`
}

/** The address of one registration, partner or policy. */
export function identityRecordPath(part: 'registrations' | 'partners' | 'policies', id: string): string {
  return `${identityPartPath(part)}/${encodeURIComponent(id)}`
}
