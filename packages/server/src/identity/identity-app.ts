import type { OpenAPIHono } from '@hono/zod-openapi'
import type { Context } from 'hono'
import { routePath } from 'hono/route'
import type { AppEnv } from '../platform/http/call-origin.ts'
import { createApp } from '../platform/http/create-app.ts'
import type { HealthParts } from '../platform/http/health-routes.ts'
import { addHealthRoutes } from '../platform/http/health-routes.ts'
import { addAuthRoutes } from './authentication/auth-routes.ts'
import { addCallbackRoutes } from './authentication/callback-routes.ts'
import { addCertificateRoutes } from './authentication/certificate-routes.ts'
import { addCredentialRoutes } from './credentials/credential-routes.ts'
import { addDatashareRoutes } from './datashare/datashare-routes.ts'
import type { IdaParts } from './ida-parts.ts'
import { createIdentityCallers } from './identity-callers.ts'
import type { IdentityParts } from './identity-parts.ts'
import { addKeymanagerRoutes } from './keys/keymanager-routes.ts'
import type { MainParts } from './main-parts.ts'
import { admitServices, admittedCaller } from './mosip-routes.ts'
import { addOprfRoutes } from './oprf/oprf-routes.ts'
import type { OprfParts } from './oprf-parts.ts'
import { addPartnerManagerRoutes } from './partners/partner-manager-routes.ts'
import { addPolicyManagerRoutes } from './partners/policy-manager-routes.ts'
import { addRegistrationRoutes } from './registration/registration-routes.ts'
import { addRepositoryRoutes } from './repository/repository-routes.ts'
import { addVaultRoutes } from './vault/vault-routes.ts'

/** In front of a path of MOSIP's inside the sealed channel. */
export const SEALED_PREFIX = '/v1/identity'

/**
 * Everything that the identity listener answers. A call is logged by its route, never by its path: licence
 * keys, API keys, ids and the keys of shares stand in paths.
 */
export function createIdentityApp(parts: IdentityParts, health: HealthParts): OpenAPIHono<AppEnv> {
  const app = createApp(parts.logger)
  const requests = parts.metrics.counter(
    'keyhaven_identity_requests_total',
    'Calls of the identity listener by route and status.',
  )
  app.use('*', async (c, next) => {
    const startedAt = performance.now()
    await next()
    c.res.headers.set('cache-control', 'no-store')
    c.res.headers.set('x-content-type-options', 'nosniff')
    const route = routePath(c, -1)
    requests.add({ route, status: String(c.res.status) })
    const ms = Math.round(performance.now() - startedAt)
    parts.logger.info({ method: c.req.method, route, status: c.res.status, ms }, 'identity call')
  })
  addHealthRoutes(app, health)
  if (parts.main) addMainRoutes(app, parts, parts.main)
  if (parts.ida) addIdaRoutes(app, parts, parts.ida)
  if (parts.oprf) addOprfProcessRoutes(app, parts, parts.oprf)
  return app
}

function addMainRoutes(app: OpenAPIHono<AppEnv>, parts: IdentityParts, main: MainParts): void {
  const { applicationId, clock, objects, state, tokens, url } = parts
  const { callers, partners, keys, keymanager, keyPolicies } = main
  const { vault, credentials, registrations, repository } = main
  addKeymanagerRoutes(app, { keymanager, keys, callers, clock })
  addVaultRoutes(app, { callers, clock, zk: vault.zk, policies: keyPolicies })
  addPartnerManagerRoutes(app, { callers, clock, services: partners })
  addPolicyManagerRoutes(app, { callers, clock, services: partners })
  addDatashareRoutes(app, { callers, clock, datashare: partners.datashare, objects, url })
  addCredentialRoutes(app, { callers, clock, credentials })
  addRegistrationRoutes(app, { registrations, tokens, clock })
  addRepositoryRoutes(app, { callers, clock, state, applicationId, repository })
}

function addIdaRoutes(
  app: OpenAPIHono<AppEnv>,
  { clock, tokens, identity }: IdentityParts,
  ida: IdaParts,
): void {
  const { service, keys, partnerKey, events } = ida
  addCertificateRoutes(app, { keys, partnerKey, partnerId: identity.idaPartner, clock })
  addAuthRoutes(app, { service, tokens, clock })
  addCallbackRoutes(app, { ...events, clock })
}

function addOprfProcessRoutes(
  app: OpenAPIHono<AppEnv>,
  { clock, tokens }: IdentityParts,
  { oprf, events }: OprfParts,
): void {
  const callers = createIdentityCallers({ tokens, oidc: undefined, clock })
  const caller = async (c: Context) => (await admittedCaller(callers, admitServices, c)).actor
  addOprfRoutes(app, { oprf, caller })
  addCallbackRoutes(app, { ...events, clock })
}

/** The same routes for sealed calls: our own paths as they are, MOSIP's behind {@link SEALED_PREFIX}. */
export function createSealedIdentityApp(parts: IdentityParts, app: OpenAPIHono<AppEnv>): OpenAPIHono<AppEnv> {
  const sealed = createApp(parts.logger)
  sealed.route(SEALED_PREFIX, app)
  sealed.route('/', app)
  return sealed
}
