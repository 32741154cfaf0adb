import type { OpenAPIHono } from '@hono/zod-openapi'
import type { AdminEnv } from '../platform/auth/principal.ts'
import { addAdminAuthRoutes, addPinIssuerRoute } from './authentication/admin-auth-routes.ts'
import type { IdentityParts } from './identity-parts.ts'
import { addAdminKeyRoutes } from './keys/admin-key-routes.ts'
import type { MainParts } from './main-parts.ts'
import { addAdminRegistrationRoutes } from './registration/admin-registration-routes.ts'
import { addAdminStationRoutes } from './registration/admin-station-routes.ts'
import { addAdminVaultRoutes } from './vault/admin-vault-routes.ts'

/** What the admin API gains in a process that has the identity capability, by its role. */
export function addIdentityAdminRoutes(app: OpenAPIHono<AdminEnv>, parts: IdentityParts): void {
  const { applicationId } = parts
  if (parts.main) addMainAdminRoutes(app, parts, parts.main)
  if (parts.ida) {
    const { keys, keyPolicies, vault } = parts.ida
    addAdminKeyRoutes(app, { applicationId, keys, policies: keyPolicies })
    addAdminVaultRoutes(app, { role: 'ida', vault })
    addAdminAuthRoutes(app, parts, parts.ida)
  }
  if (parts.oprf) addPinIssuerRoute(app, parts.oprf.issuers)
}

function addMainAdminRoutes(app: OpenAPIHono<AdminEnv>, parts: IdentityParts, main: MainParts): void {
  const { applicationId, state } = parts
  const { keys, keyPolicies, registrations, repository, jobs, vault, credentials, backfills } = main
  addAdminKeyRoutes(app, { applicationId, keys, policies: keyPolicies })
  addAdminRegistrationRoutes(app, { applicationId, registrations, repository })
  const { stations, schemas } = registrations
  addAdminStationRoutes(app, { applicationId, state, stations, schemas, jobs })
  addAdminVaultRoutes(app, {
    ...{ role: 'main', vault: vault.vault, recipients: vault.recipients, credentials, backfills },
  })
}
