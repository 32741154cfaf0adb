import type { MiddlewareHandler } from 'hono'
import { authenticate, requirePermission } from '../platform/auth/authenticate.ts'
import type { AdminEnv } from '../platform/auth/principal.ts'
import type { Permission } from '../platform/auth/roles.ts'
import type { TokenStore } from '../platform/auth/token-store.ts'
import { createRateLimiter } from '../platform/http/rate-limit.ts'

/** Calls of one caller with a token that is none: to look for tokens is slow. */
export const FAILED_CALLS = { burst: 20, perMinute: 20 }

export interface TokenGuardParts {
  readonly tokens: Pick<TokenStore, 'verify'>
  readonly clock: () => number
}

/** Signed in, and with the permission. */
export type TokenGuard = [MiddlewareHandler<AdminEnv>, MiddlewareHandler<AdminEnv>]

/** In front of routes for whoever has an API token with a permission; `c.var.principal` says who it is. */
export function createTokenGuard({ tokens, clock }: TokenGuardParts) {
  const signedIn = authenticate({ tokens, failures: createRateLimiter(FAILED_CALLS, clock) })
  return (permission: Permission): TokenGuard => [signedIn, requirePermission(permission)]
}
