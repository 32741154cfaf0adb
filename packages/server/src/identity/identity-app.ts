import type { OpenAPIHono } from '@hono/zod-openapi'
import { routePath } from 'hono/route'
import type { AppEnv } from '../platform/http/call-origin.ts'
import { createApp } from '../platform/http/create-app.ts'
import type { HealthParts } from '../platform/http/health-routes.ts'
import { addHealthRoutes } from '../platform/http/health-routes.ts'
import type { IdentityParts } from './identity-parts.ts'

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
  switch (parts.role) {
    case 'main':
      addMainRoutes(app, parts)
      break
    case 'ida':
      addIdaRoutes(app, parts)
      break
    case 'oprf':
      addOprfRoutes(app, parts)
  }
  return app
}

function addMainRoutes(_app: OpenAPIHono<AppEnv>, _parts: IdentityParts): void {}

function addIdaRoutes(_app: OpenAPIHono<AppEnv>, _parts: IdentityParts): void {}

function addOprfRoutes(_app: OpenAPIHono<AppEnv>, _parts: IdentityParts): void {}

/** The same routes for sealed calls: our own paths as they are, MOSIP's behind {@link SEALED_PREFIX}. */
export function createSealedIdentityApp(parts: IdentityParts, app: OpenAPIHono<AppEnv>): OpenAPIHono<AppEnv> {
  const sealed = createApp(parts.logger)
  sealed.route(SEALED_PREFIX, app)
  sealed.route('/', app)
  return sealed
}
