// What the admin API answers about registrations and identities, as the commands show it. Times are ISO 8601.

export interface Registration {
  readonly rid: string
  readonly refId: string
  readonly stage: string
  readonly reason: string | null
  readonly attempt: number
  readonly packetBytes: number
  readonly packetHash: string
  readonly officer: string | null
  readonly receivedAt: string
  readonly changedAt: string
}

export interface RegistrationDetail extends Registration {
  readonly history: readonly { readonly stage: string; readonly reason: string | null; readonly at: string }[]
}

export interface IdentityRecord {
  readonly record: string
  readonly status: string
  readonly version: number
  readonly createdAt: string
  readonly changedAt: string
}

export interface Vid {
  readonly vid: string
  readonly type: string
  readonly status: string
  readonly createdAt: string
  readonly expiresAt: string | null
  readonly transactionLimit: number | null
}

/** `/applications/APP/identity` and what is below it. */
export function identityPath(application: string, ...parts: readonly string[]): string {
  return ['/applications', application, 'identity', ...parts].map(encodePart).join('/')
}

function encodePart(part: string, at: number): string {
  return at === 0 ? part : encodeURIComponent(part)
}

export const APPLICATION = ['<application>', 'application that the identity listener serves'] as const
export const RID = ['<rid>', 'registration id, as `keyhaven identity registrations list` shows it'] as const
