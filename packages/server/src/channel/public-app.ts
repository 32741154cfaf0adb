import type { OpenAPIHono } from '@hono/zod-openapi'
import { MANIFEST_MEDIA_TYPE } from '@keyhaven/channel'
import type { Gateway, OuterResponse } from '@keyhaven/channel/gateway'
import { KeyhavenError } from '@keyhaven/crypto'
import type { DirectoryLog } from '../directory/log/directory-log.ts'
import { addLogRoutes } from '../directory/log/log-routes.ts'
import { addDocsRoutes } from '../openapi/docs-routes.ts'
import type { AppEnv } from '../platform/http/call-origin.ts'
import { publicCors } from '../platform/http/cors.ts'
import { createApp } from '../platform/http/create-app.ts'
import type { HealthParts } from '../platform/http/health-routes.ts'
import { addHealthRoutes } from '../platform/http/health-routes.ts'
import type { Logger } from '../platform/log/logger.ts'
import type { ManifestPublisher } from './manifest-publisher.ts'

/** Short: a client that was refused for its key must soon see the new one, also through a cache. */
const MANIFEST_MAX_AGE_SECONDS = 15

export interface GatewayAppParts {
  readonly gateway: Gateway
  readonly manifests: ManifestPublisher
  /** Which applications are served at this address. */
  readonly serves: (applicationId: string) => boolean
}

/**
 * `GET /gateway/{applicationId}` and its manifest. The sealed calls themselves do not come through a router.
 */
export function addGatewayRoutes<Env extends AppEnv>(app: OpenAPIHono<Env>, parts: GatewayAppParts): void {
  const { gateway, manifests, serves } = parts
  app.use('/gateway/*', publicCors())

  app.get('/gateway/:applicationId', async (c) =>
    outerResponse(await gateway.keyConfigs(c.req.param('applicationId'))),
  )

  app.get('/gateway/:applicationId/manifest', async (c) => {
    const applicationId = c.req.param('applicationId')
    if (!serves(applicationId)) throw new KeyhavenError('NOT_FOUND', 'there is no such application')
    return new Response(await manifests.current(applicationId), {
      headers: {
        'content-type': MANIFEST_MEDIA_TYPE,
        'cache-control': `public, max-age=${MANIFEST_MAX_AGE_SECONDS}`,
        'x-content-type-options': 'nosniff',
      },
    })
  })
}

export interface PublicAppParts extends GatewayAppParts {
  readonly health: HealthParts
  readonly logger: Logger
  /** What `/v1` answers; proxy mode has none. */
  readonly v1: OpenAPIHono<AppEnv> | undefined
  /** Served to everybody. */
  readonly log: DirectoryLog
  /** The application of `/.well-known/ohttp-gateway`, if there is one. */
  readonly defaultApplicationId: string | undefined
}

/** All of the public address but the sealed calls. */
export function createPublicApp(parts: PublicAppParts): OpenAPIHono<AppEnv> {
  const { health, logger, gateway, v1, defaultApplicationId } = parts
  const app = createApp(logger)
  addHealthRoutes(app, health)
  addGatewayRoutes(app, parts)

  app.use('/.well-known/*', publicCors())
  app.get('/.well-known/ohttp-gateway', async () => {
    if (defaultApplicationId === undefined)
      throw new KeyhavenError('NOT_FOUND', 'there is no default application')
    return outerResponse(await gateway.keyConfigs(defaultApplicationId))
  })

  addLogRoutes(app, parts.log, parts.serves)
  if (v1) {
    app.all('/v1/*', (c) => v1.fetch(c.req.raw, c.env))
    app.all('/v1', (c) => v1.fetch(c.req.raw, c.env))
  }
  addDocsRoutes(app)
  app.get('/', (c) => c.redirect('/docs', 302))
  return app
}

function outerResponse(answer: OuterResponse): Response {
  return new Response(answer.body as Uint8Array<ArrayBuffer>, {
    status: answer.status,
    headers: answer.headers,
  })
}
