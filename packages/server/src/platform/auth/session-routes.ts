import type { OpenAPIHono } from '@hono/zod-openapi'
import { createRoute, z } from '@hono/zod-openapi'
import type { Context } from 'hono'
import { deleteCookie, getCookie, setCookie } from 'hono/cookie'
import { callerOf } from '../http/call-origin.ts'
import { problemResponse } from '../http/problem.ts'
import { problemAnswers } from '../http/schemas.ts'
import type { Authentication } from './authenticate.ts'
import { authenticate, SESSION_COOKIE, tooManyFailures } from './authenticate.ts'
import type { OneTimeCode } from './one-time-code.ts'
import type { AdminEnv, Principal } from './principal.ts'
import { ROLES } from './roles.ts'
import { MAX_TOKEN_CHARS } from './secret.ts'
import { SESSION_LIFETIME_SECONDS } from './session-store.ts'

const MAX_CODE_CHARS = 40

const sessionSchema = z
  .object({
    actor: z.string().openapi({ example: 'token:admin' }),
    roles: z.array(z.enum(ROLES)),
    oidc: z.boolean().openapi({ description: 'Signed in through the OIDC provider' }),
  })
  .openapi('Session')

const optionsSchema = z.object({
  oidc: z.boolean(),
  issuerName: z.string().optional(),
  cookie: z.boolean().openapi({
    description: 'This call carried a session cookie, which the page cannot see; it may have ended',
  }),
})

const signInSchema = z
  .union([
    z.strictObject({ token: z.string().min(1).max(MAX_TOKEN_CHARS) }),
    z.strictObject({ code: z.string().min(1).max(MAX_CODE_CHARS) }),
  ])
  .openapi('SignIn')

const tags = ['Sign-in']
const security = [{ bearer: [] }]
const sessionAnswer = {
  description: 'Who is signed in',
  content: { 'application/json': { schema: sessionSchema } },
}

export const sessionRoutes = {
  options: createRoute({
    method: 'get',
    path: '/admin/v1/session/options',
    tags,
    summary: 'How one can sign in, and whether it is worth asking who is signed in',
    responses: {
      200: {
        description: 'Whether an OIDC provider is configured, and what its button says',
        content: { 'application/json': { schema: optionsSchema } },
      },
    },
  }),
  create: createRoute({
    method: 'post',
    path: '/admin/v1/session',
    tags,
    summary: 'Sign in with an API token or the one-time code; sets the session cookie',
    request: { body: { required: true, content: { 'application/json': { schema: signInSchema } } } },
    responses: { 200: sessionAnswer, ...problemAnswers(400, 401, 403, 429) },
  }),
  get: createRoute({
    method: 'get',
    path: '/admin/v1/session',
    tags,
    security,
    summary: 'Who is signed in',
    responses: { 200: sessionAnswer, ...problemAnswers(401) },
  }),
  remove: createRoute({
    method: 'delete',
    path: '/admin/v1/session',
    tags,
    security,
    summary: 'Sign out',
    responses: { 204: { description: 'Signed out' }, ...problemAnswers(401, 403) },
  }),
}

export interface SessionRouteParts extends Authentication {
  readonly oneTimeCode: OneTimeCode
  readonly oidcName: string | undefined
  /** Origin of the dashboard as browsers know it. */
  readonly adminUrl: () => string
}

/** Signing in and out. These routes come before {@link authenticate}; those that need it ask for it. */
export function addSessionRoutes(app: OpenAPIHono<AdminEnv>, parts: SessionRouteParts): void {
  const { tokens, sessions, failures, oneTimeCode, oidcName, adminUrl } = parts

  app.openapi(sessionRoutes.options, (c) =>
    c.json(
      {
        oidc: oidcName !== undefined,
        ...(oidcName === undefined ? {} : { issuerName: oidcName }),
        cookie: getCookie(c, SESSION_COOKIE) !== undefined,
      },
      200,
    ),
  )

  app.openapi(sessionRoutes.create, async (c) => {
    const body = c.req.valid('json')
    const caller = callerOf(c.env.origin)
    // The code is short, so a caller over the limit is not even compared.
    const wait = failures.wait(caller)
    if (wait > 0 && 'code' in body) return tooManyFailures(wait) as never
    const principal = 'code' in body ? redeemCode(oneTimeCode, body.code) : await tokens.verify(body.token)
    if (!principal) {
      failures.take(caller)
      if (wait > 0) return tooManyFailures(wait) as never
      const detail =
        'code' in body ? 'This code is unknown, used or expired.' : 'This API token is unknown or expired.'
      return problemResponse('UNAUTHENTICATED', { detail }) as never
    }
    const cookie = await sessions.create({
      actor: principal.actor,
      roles: principal.roles,
      method: 'code' in body ? 'code' : 'token',
      tokenId: principal.tokenId,
      notAfter: principal.expiresAt,
    })
    setSessionCookie(c, cookie, adminUrl())
    return c.json(sessionJson(principal), 200)
  })

  const signedIn = authenticate(parts)
  app.on(['GET', 'DELETE'], sessionRoutes.get.path, signedIn)
  app.openapi(sessionRoutes.get, (c) => c.json(sessionJson(c.var.principal), 200))
  app.openapi(sessionRoutes.remove, async (c) => {
    const cookie = getCookie(c, SESSION_COOKIE)
    if (cookie !== undefined) await sessions.end(cookie)
    deleteCookie(c, SESSION_COOKIE, { path: '/' })
    return c.body(null, 204)
  })
}

/**
 * Not readable by scripts, never sent along from another site; without TLS only where browsers come without
 * it, too.
 *
 * @param adminUrl - as browsers know it: a proxy before us may be the one that speaks TLS.
 */
export function setSessionCookie(c: Context<AdminEnv>, value: string, adminUrl: string): void {
  setCookie(c, SESSION_COOKIE, value, {
    path: '/',
    httpOnly: true,
    sameSite: 'Strict',
    secure: (!c.env.origin.sealed && c.env.origin.secure) || adminUrl.startsWith('https:'),
    maxAge: SESSION_LIFETIME_SECONDS,
  })
}

function redeemCode(oneTimeCode: OneTimeCode, code: string): Principal | undefined {
  if (!oneTimeCode.redeem(code)) return undefined
  return {
    actor: 'code:console',
    roles: ['admin'],
    method: 'session',
    oidc: false,
    expiresAt: null,
    tokenId: '',
  }
}

function sessionJson(principal: Principal) {
  return { actor: principal.actor, roles: [...principal.roles], oidc: principal.oidc }
}
