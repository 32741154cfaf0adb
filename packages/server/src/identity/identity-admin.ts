import type { OpenAPIHono } from '@hono/zod-openapi'
import type { AdminEnv } from '../platform/auth/principal.ts'
import { addAdminAuthRoutes, addPinIssuerRoute } from './authentication/admin-auth-routes.ts'
import type { IdentityParts } from './identity-parts.ts'

/** What the admin API gains in a process that has the identity capability, by its role. */
export function addIdentityAdminRoutes(app: OpenAPIHono<AdminEnv>, parts: IdentityParts): void {
  if (parts.ida) addAdminAuthRoutes(app, parts, parts.ida)
  if (parts.oprf) addPinIssuerRoute(app, parts.oprf.issuers)
}
