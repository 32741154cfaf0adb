import type { OpenAPIHono } from '@hono/zod-openapi'
import type { Gateway } from '@keyhaven/channel/gateway'
import { createAdminApp, isSignedIn } from './admin/admin-app.ts'
import { adminGuard } from './admin/admin-guard.ts'
import { addDashboardRoutes } from './admin/dashboard-routes.ts'
import { type IdentityStatusParts, identityStatus } from './admin/identity-status.ts'
import { addMetricsRoutes } from './admin/metrics-routes.ts'
import { readAdminToken } from './admin-token.ts'
import { ADMIN_APPLICATION_ID } from './applications/application.ts'
import type { ApplicationService } from './applications/application-service.ts'
import { addGatewayRoutes } from './channel/public-app.ts'
import type { ServedPartners } from './identity/partners/partner-admin.ts'
import { addDocsRoutes } from './openapi/docs-routes.ts'
import { createOneTimeCode } from './platform/auth/one-time-code.ts'
import type { AdminEnv } from './platform/auth/principal.ts'
import { createSessionStore } from './platform/auth/session-store.ts'
import { createTokenStore } from './platform/auth/token-store.ts'
import { sealedOrigin } from './platform/http/call-origin.ts'
import { createApp } from './platform/http/create-app.ts'
import { addHealthRoutes } from './platform/http/health-routes.ts'
import type { Listener } from './platform/http/listen.ts'
import { listen } from './platform/http/listen.ts'
import { isLoopback } from './platform/http/loopback.ts'
import { createNodeHandler } from './platform/http/node-handler.ts'
import type { MetricSnapshot } from './platform/metrics/registry.ts'
import { readTls, routeEnvelopes } from './serve-public.ts'
import type { ServerParts } from './server-parts.ts'
import { createServedGateway } from './server-parts.ts'
import { SERVER_VERSION } from './version.ts'

const ADMIN_API_PREFIX = '/admin/v1/'
const HOUSEKEEPING_MS = 3_600_000

export interface AdminServiceOptions {
  readonly applications: ApplicationService
  /** The gateway of the public address. */
  readonly publicGateway: Gateway
  /** Where apps reach the public address. */
  readonly publicUrl: string
  readonly collectMetrics: () => Promise<readonly MetricSnapshot[]>
  readonly flushUsage: () => Promise<void>
  /** Adds its routes to the admin API, and has the partners of the application that it serves. */
  readonly identity?:
    | {
        addAdminRoutes(app: OpenAPIHono<AdminEnv>): void
        readonly parts: ServedPartners & IdentityStatusParts
      }
    | undefined
}

export interface AdminService {
  readonly listener: Listener
  readonly url: string
  readonly oneTimeCode: string
  close(graceMs: number): Promise<void>
}

/**
 * The admin address: API, dashboard, metrics, and a gateway of its own through which a remote CLI is sealed.
 */
export async function startAdminService(
  parts: ServerParts,
  options: AdminServiceOptions,
): Promise<AdminService> {
  const { clock, config, logger, manifests, state } = parts
  const { host, port } = config.admin
  const loopback = isLoopback(host)
  const secure = !loopback && config.tls !== undefined
  if (!loopback && !secure) {
    logger.warn({ host }, 'the admin address can be reached over the network without TLS')
  }
  const sessions = createSessionStore(state, clock)
  const tokens = createTokenStore(state, readAdminToken(config.dataDir, config.adminToken), clock)
  await tokens.endFormerSessions()
  const oneTimeCode = createOneTimeCode(clock)
  let url = config.adminUrl ?? ''

  const { app: admin, signedIn } = createAdminApp({
    parts,
    applications: options.applications,
    tokens,
    sessions,
    oneTimeCode,
    gateway: options.publicGateway,
    flushUsage: options.flushUsage,
    status: {
      version: SERVER_VERSION,
      startedAt: new Date(clock()).toISOString(),
      node: process.version,
      database: state.dialect,
      replay: parts.replayKind,
      workers: config.workers,
      oidc: config.oidc !== undefined,
      publicUrl: options.publicUrl,
      identity: options.identity === undefined ? null : identityStatus(options.identity.parts),
    },
    adminUrl: () => url,
    identity: options.identity?.parts,
  })
  options.identity?.addAdminRoutes(admin)

  const serves = (applicationId: string) => applicationId === ADMIN_APPLICATION_ID
  const gateway = createServedGateway(parts, {
    serves,
    allowPath: (path) => path.startsWith(ADMIN_API_PREFIX),
    handler: (request, context) => admin.fetch(request, { origin: sealedOrigin(context) }),
    countUsage: false,
  })

  const app = createApp<AdminEnv>(logger, isSignedIn)
  app.use('*', adminGuard({ loopback, host, adminUrl: config.adminUrl }))
  // A load balancer has no token. An operator with one is also told the reason.
  app.use('/readyz', (c, next) => (c.req.header('authorization') ? signedIn(c, next) : next()))
  addHealthRoutes(app, { changes: state.changes, replay: parts.replay })
  addMetricsRoutes(app, { collect: options.collectMetrics, open: loopback, signedIn })
  addGatewayRoutes(app, { gateway, manifests, serves })
  app.all('/admin/*', (c) => admin.fetch(c.req.raw, c.env))
  addDocsRoutes(app)
  addDashboardRoutes(app)

  const listener = await listen({
    host,
    port,
    tls: secure ? readTls(config) : undefined,
    handler: routeEnvelopes(gateway, createNodeHandler(app, secure), undefined),
  })
  url ||= listener.url
  const housekeeping = setInterval(() => {
    Promise.all([sessions.prune(), parts.usageStore.prune(clock())]).catch((error) =>
      logger.error({ err: error }, 'housekeeping failed'),
    )
  }, HOUSEKEEPING_MS).unref()

  return {
    listener,
    url,
    oneTimeCode: oneTimeCode.text,
    close: (graceMs) => {
      clearInterval(housekeeping)
      return listener.close(graceMs)
    },
  }
}
