import type { MiddlewareHandler } from 'hono'
import { getCookie } from 'hono/cookie'
import { callerOf } from '../http/call-origin.ts'
import { problemResponse } from '../http/problem.ts'
import type { RateLimiter } from '../http/rate-limit.ts'
import type { AdminEnv } from './principal.ts'
import type { Permission } from './roles.ts'
import { rolesAllow, rolesWith } from './roles.ts'
import type { SessionStore } from './session-store.ts'
import type { TokenStore } from './token-store.ts'

export const SESSION_COOKIE = 'keyhaven_session'
/** A page of another origin cannot set it without a preflight, which we refuse. */
export const DASHBOARD_HEADER = 'x-keyhaven-dashboard'

const SAFE_METHODS: readonly string[] = ['GET', 'HEAD']

export interface Authentication {
  readonly tokens: TokenStore
  readonly sessions: SessionStore
  /** Counts failed sign-ins by caller. */
  readonly failures: RateLimiter
}

/** Without sessions, where no browser signs in: only tokens count. */
export interface TokenAuthentication extends Pick<Authentication, 'failures'> {
  readonly tokens: Pick<TokenStore, 'verify'>
  readonly sessions?: Pick<SessionStore, 'verify'>
}

/** Lets only a known token or session pass, and says who it is. */
export function authenticate({
  tokens,
  sessions,
  failures,
}: TokenAuthentication): MiddlewareHandler<AdminEnv> {
  return async (c, next) => {
    const { origin } = c.env
    const bearer = bearerToken(c.req.header('authorization'))
    // A cookie is a browser's, and browsers do not come through the channel.
    const browser = bearer === undefined && !origin.sealed && sessions !== undefined
    const cookie = browser ? getCookie(c, SESSION_COOKIE) : undefined
    if (bearer === undefined && cookie === undefined) return refuse()
    const principal =
      bearer === undefined ? await sessions?.verify(cookie ?? '') : await tokens.verify(bearer)
    if (!principal) {
      const wait = failures.take(callerOf(origin))
      if (wait > 0) return tooManyFailures(wait)
      return refuse(bearer === undefined ? undefined : 'This API token is unknown or expired.')
    }
    if (
      cookie !== undefined &&
      !SAFE_METHODS.includes(c.req.method) &&
      c.req.header(DASHBOARD_HEADER) !== '1'
    ) {
      return problemResponse('ACCESS_DENIED', { detail: `Send the header ${DASHBOARD_HEADER}: 1.` })
    }
    c.set('principal', principal)
    await next()
    return undefined
  }
}

/** After {@link authenticate}: refuses whoever has no role for it. */
export function requirePermission(permission: Permission): MiddlewareHandler<AdminEnv> {
  return async (c, next) => {
    if (!rolesAllow(c.var.principal.roles, permission)) {
      const roles = rolesWith(permission).join(' or ')
      return problemResponse('ACCESS_DENIED', { detail: `This needs the role ${roles}.` })
    }
    await next()
    return undefined
  }
}

export function tooManyFailures(waitSeconds: number): Response {
  return problemResponse('RATE_LIMITED', {
    detail: `Too many failed sign-ins. Try again in ${waitSeconds} seconds.`,
    headers: { 'retry-after': String(waitSeconds) },
  })
}

function refuse(
  detail = 'Send an API token as "Authorization: Bearer …", or sign in on the dashboard.',
): Response {
  return problemResponse('UNAUTHENTICATED', {
    detail,
    headers: { 'www-authenticate': 'Bearer' },
  })
}

function bearerToken(header: string | undefined): string | undefined {
  return header === undefined ? undefined : (/^bearer +(\S+) *$/i.exec(header)?.[1] ?? '')
}
