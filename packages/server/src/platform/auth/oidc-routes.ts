import type { OpenAPIHono } from '@hono/zod-openapi'
import { createRoute } from '@hono/zod-openapi'
import type { ErrorCode } from '@keyhaven/crypto'
import { KeyhavenError } from '@keyhaven/crypto'
import { deleteCookie, getCookie, setCookie } from 'hono/cookie'
import { callerOf } from '../http/call-origin.ts'
import { createRateLimiter } from '../http/rate-limit.ts'
import { problemAnswers } from '../http/schemas.ts'
import type { Logger } from '../log/logger.ts'
import type { State } from '../state/state.ts'
import type { OidcAttempt, OidcClient } from './oidc-client.ts'
import type { AdminEnv } from './principal.ts'
import { hashSecret, randomSecret } from './secret.ts'
import { setSessionCookie } from './session-routes.ts'
import type { SessionStore } from './session-store.ts'

const ATTEMPT_COOKIE = 'keyhaven_oidc'
/** How long a person has at the provider. */
const ATTEMPT_LIFETIME_SECONDS = 600
/** Of sign-ins begun, by caller: each is a row until it ends. */
const STARTS = { burst: 60, perMinute: 60 }
const CALLBACK_PATH = '/admin/oidc/callback'

const tags = ['Sign-in']

export const oidcRoutes = {
  start: createRoute({
    method: 'get',
    path: '/admin/oidc/start',
    tags,
    summary: 'Send the browser to the OIDC provider',
    responses: { 302: { description: 'To the provider' }, ...problemAnswers(404) },
  }),
  callback: createRoute({
    method: 'get',
    path: CALLBACK_PATH,
    tags,
    summary: 'Back from the OIDC provider',
    responses: {
      302: { description: 'To the dashboard, signed in; otherwise to `/?signInError=CODE`' },
      ...problemAnswers(404),
    },
  }),
}

export interface OidcRouteParts {
  readonly client: OidcClient
  readonly sessions: SessionStore
  readonly state: State
  /** Origin of the dashboard as browsers know it. */
  readonly adminUrl: () => string
  readonly clock: () => number
  readonly logger: Logger
}

export function addOidcRoutes(app: OpenAPIHono<AdminEnv>, parts: OidcRouteParts): void {
  const { client, sessions, state, adminUrl, clock, logger } = parts

  const starts = createRateLimiter(STARTS, clock)

  app.openapi(oidcRoutes.start, async (c) => {
    try {
      if (starts.take(callerOf(c.env.origin)) > 0) {
        throw new KeyhavenError('RATE_LIMITED', 'too many sign-ins were begun')
      }
      await forgetExpired()
      const { url, attempt } = await client.start(adminUrl() + CALLBACK_PATH)
      const cookie = randomSecret()
      await state.db
        .insertInto('oidc_attempts')
        .values({
          attempt_hash: hashSecret(cookie),
          state: attempt.state,
          nonce: attempt.nonce,
          code_verifier: attempt.codeVerifier,
          expires_at: clock() + ATTEMPT_LIFETIME_SECONDS * 1_000,
        })
        .execute()
      setCookie(c, ATTEMPT_COOKIE, cookie, {
        path: '/admin/oidc',
        httpOnly: true,
        // Lax: it must come along when the provider sends the browser back.
        sameSite: 'Lax',
        secure: adminUrl().startsWith('https:'),
        maxAge: ATTEMPT_LIFETIME_SECONDS,
      })
      return c.redirect(url.href, 302)
    } catch (error) {
      return c.redirect(failure(error), 302)
    }
  })

  app.openapi(oidcRoutes.callback, async (c) => {
    try {
      const attempt = await takeAttempt(getCookie(c, ATTEMPT_COOKIE) ?? '')
      deleteCookie(c, ATTEMPT_COOKIE, { path: '/admin/oidc' })
      const { search } = new URL(c.req.url)
      const identity = await client.finish(new URL(adminUrl() + CALLBACK_PATH + search), attempt)
      if (identity.roles.length === 0) {
        throw new KeyhavenError('ACCESS_DENIED', 'the provider names no role of ours for this person')
      }
      const cookie = await sessions.create({
        actor: `oidc:${identity.issuer}#${identity.subject}`,
        roles: identity.roles,
        method: 'oidc',
      })
      setSessionCookie(c, cookie, adminUrl())
      return c.redirect('/', 302)
    } catch (error) {
      return c.redirect(failure(error), 302)
    }
  })

  /** Single use: a second callback finds nothing. */
  async function takeAttempt(cookie: string): Promise<OidcAttempt> {
    const hash = hashSecret(cookie)
    const begun = await state.db
      .selectFrom('oidc_attempts')
      .select('expires_at')
      .where('attempt_hash', '=', hash)
      .executeTakeFirst()
    // Anybody can come back with an invented cookie: only one of ours is worth a write.
    const row =
      begun &&
      (await state.db
        .deleteFrom('oidc_attempts')
        .where('attempt_hash', '=', hash)
        .returningAll()
        .executeTakeFirst())
    if (!row || row.expires_at <= clock())
      throw new KeyhavenError('UNAUTHENTICATED', 'this sign-in was not started here, or took too long')
    return { state: row.state, nonce: row.nonce, codeVerifier: row.code_verifier }
  }

  async function forgetExpired(): Promise<void> {
    await state.db.deleteFrom('oidc_attempts').where('expires_at', '<=', clock()).execute()
  }

  function failure(error: unknown): string {
    const code: ErrorCode | 'INTERNAL' = error instanceof KeyhavenError ? error.code : 'INTERNAL'
    logger.warn({ err: error }, 'sign-in through the OIDC provider failed')
    return `/?signInError=${code}`
  }
}
