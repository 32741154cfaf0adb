import type { OpenAPIHono } from '@hono/zod-openapi'
import type { Gateway } from '@keyhaven/channel/gateway'
import type { Context } from 'hono'
import { addApplicationRoutes } from '../applications/application-routes.ts'
import type { ApplicationService } from '../applications/application-service.ts'
import { addCheckRoutes, CHECK_RATE_LIMIT } from '../channel/check-routes.ts'
import { addE2eKeyRoutes } from '../channel/e2e-key-routes.ts'
import { addTrustRoutes } from '../channel/trust-routes.ts'
import { addUsageRoutes } from '../channel/usage-routes.ts'
import { addAdminConversationRoutes } from '../conversations/admin-conversation-routes.ts'
import { addAdminDirectoryRoutes } from '../directory/admin-directory-routes.ts'
import { addPartnerAdminRoutes, type ServedPartners } from '../identity/partners/partner-admin.ts'
import { authenticate } from '../platform/auth/authenticate.ts'
import { createOidcClient } from '../platform/auth/oidc-client.ts'
import { addOidcRoutes } from '../platform/auth/oidc-routes.ts'
import type { OneTimeCode } from '../platform/auth/one-time-code.ts'
import type { AdminEnv } from '../platform/auth/principal.ts'
import { addSessionRoutes } from '../platform/auth/session-routes.ts'
import type { SessionStore } from '../platform/auth/session-store.ts'
import { addTokenRoutes } from '../platform/auth/token-routes.ts'
import type { TokenStore } from '../platform/auth/token-store.ts'
import { createApp } from '../platform/http/create-app.ts'
import { limitBody, MAX_JSON_BODY_BYTES } from '../platform/http/limit-body.ts'
import { createRateLimiter } from '../platform/http/rate-limit.ts'
import type { ServerParts } from '../server-parts.ts'
import { addAuditRoutes } from './audit-routes.ts'
import type { ServerStatus } from './status-routes.ts'
import { addStatusRoutes } from './status-routes.ts'

/** Of failed sign-ins, by caller. */
const FAILED_SIGN_INS = { burst: 10, perMinute: 10 }
const CHECK_PATH = /^\/admin\/v1\/applications\/[^/]+\/check$/

export interface AdminAppParts {
  readonly parts: ServerParts
  readonly applications: ApplicationService
  readonly tokens: TokenStore
  readonly sessions: SessionStore
  readonly oneTimeCode: OneTimeCode
  /** The gateway whose envelopes `…/check` judges. */
  readonly gateway: Gateway
  /** Writes the usage that all processes have counted. */
  readonly flushUsage: () => Promise<void>
  readonly status: ServerStatus
  readonly adminUrl: () => string
  /** Undefined: the identity capability is off in this process. */
  readonly identity?: ServedPartners | undefined
}

export interface AdminApp {
  /** Everything under `/admin`. */
  readonly app: OpenAPIHono<AdminEnv>
  readonly signedIn: ReturnType<typeof authenticate>
}

/** `var` is empty where nobody had to sign in. */
function principalOf(c: Context<AdminEnv>): AdminEnv['Variables']['principal'] | undefined {
  return (c.var as Partial<AdminEnv['Variables']>).principal
}

/** Who is signed in may read what is wrong with the server. */
export function isSignedIn(c: Context<AdminEnv>): boolean {
  return principalOf(c) !== undefined
}

/** The admin API: the same for a browser, for the CLI, and for the CLI through the channel. */
export function createAdminApp(admin: AdminAppParts): AdminApp {
  const { parts, applications, tokens, sessions, oneTimeCode } = admin
  const { clock, config, logger, state, usageStore } = parts
  const app = createApp<AdminEnv>(logger, isSignedIn)
  const failures = createRateLimiter(FAILED_SIGN_INS, clock)
  const authentication = { tokens, sessions, failures }
  const signedIn = authenticate(authentication)

  const requests = parts.metrics.counter('keyhaven_admin_requests_total', 'Admin calls by method and status.')
  app.use('*', async (c, next) => {
    const startedAt = performance.now()
    await next()
    c.res.headers.set('cache-control', 'no-store')
    c.res.headers.set('x-content-type-options', 'nosniff')
    requests.add({ method: c.req.method, status: String(c.res.status) })
    const ms = Math.round(performance.now() - startedAt)
    logger.info(
      { method: c.req.method, path: c.req.path, status: c.res.status, ms, actor: principalOf(c)?.actor },
      'admin call',
    )
  })
  const jsonLimit = limitBody(MAX_JSON_BODY_BYTES)
  // An envelope is longer than any JSON; its route has a limit of its own.
  app.use('*', (c, next) => (CHECK_PATH.test(c.req.path) ? next() : jsonLimit(c, next)))

  const { adminUrl } = admin
  addSessionRoutes(app, { ...authentication, oneTimeCode, oidcName: config.oidc?.name, adminUrl })
  if (config.oidc) {
    addOidcRoutes(app, {
      client: createOidcClient(config.oidc),
      sessions,
      state,
      adminUrl,
      clock,
      logger,
    })
  }
  app.use('/admin/v1/*', signedIn)
  addApplicationRoutes(app, applications)
  addUsageRoutes(app, { state, applications, usage: usageStore, flush: admin.flushUsage, clock })
  addE2eKeyRoutes(app, { state, applications, usage: usageStore })
  addTrustRoutes(app, state, applications)
  addCheckRoutes(app, {
    state,
    applications,
    gateway: admin.gateway,
    limiter: createRateLimiter(CHECK_RATE_LIMIT, clock),
  })
  addAdminDirectoryRoutes(app, { state, applications, directories: parts.directories, clock })
  addAdminConversationRoutes(app, { state, applications, conversations: parts.conversations })
  addPartnerAdminRoutes(app, parts, applications, admin.identity)
  addTokenRoutes(app, tokens, clock)
  addAuditRoutes(app, state.audit)
  addStatusRoutes(app, admin.status)
  return { app, signedIn }
}
