import type { ServerStatus } from './status-routes.ts'

type IdentityStatus = NonNullable<ServerStatus['identity']>

/** Of the identity capability's parts, what its status is made of. */
export interface IdentityStatusParts extends Pick<IdentityStatus, 'role' | 'profile' | 'applicationId'> {
  readonly main?: { readonly matcher: string }
  readonly ida?: { readonly matcher: string }
}

/** What the server's status says of the capability: the dashboard shows its pages by it. */
export function identityStatus(parts: IdentityStatusParts): IdentityStatus {
  const { role, profile, applicationId, main, ida } = parts
  return { role, profile, applicationId, matcher: main?.matcher ?? ida?.matcher ?? null }
}
