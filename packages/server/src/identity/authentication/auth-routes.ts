import type { OpenAPIHono } from '@hono/zod-openapi'
import { RESPONSE_SIGNATURE_HEADER, SIGNATURE_HEADER } from '@keyhaven/identity'
import type { AuthenticationService, SignedAnswer } from '@keyhaven/identity/service'
import { rolesAllow } from '../../platform/auth/roles.ts'
import type { TokenStore } from '../../platform/auth/token-store.ts'
import { type AppEnv, callerOf } from '../../platform/http/call-origin.ts'
import { limitBody } from '../../platform/http/limit-body.ts'
import { problemResponse } from '../../platform/http/problem.ts'
import { createRateLimiter } from '../../platform/http/rate-limit.ts'

export const AUTHENTICATION_PREFIX = '/idauthentication/v1'
/** Ten fingers, two eyes and a face, encrypted, signed and encrypted again. */
const MAX_BODY_BYTES = 8 * 1_024 * 1_024
const JSON_TYPE = 'application/json;charset=UTF-8'
const FAILED_CALLS = { burst: 20, perMinute: 20 }
/** 501: no call of this kind is ever answered. */
const NO_INTERNAL_USE = {
  status: 501,
  detail:
    'An IDA of profile keyhaven has no internal authentication: the oblivious PRF looks somebody up only for a ' +
    'request that a partner has signed. Register the service as a relying party, and ask as one.',
} as const
const BEARER = /^bearer +(\S+) *$/i

export interface AuthRouteParts {
  readonly service: AuthenticationService
  readonly tokens: Pick<TokenStore, 'verify'>
  readonly clock: () => number
}

/** MOSIP's ID authentication. Every answer is signed, a refusal too; the keys in the path stay out of logs. */
export function addAuthRoutes(app: OpenAPIHono<AppEnv>, { service, tokens, clock }: AuthRouteParts): void {
  const limit = limitBody(MAX_BODY_BYTES)
  const failures = createRateLimiter(FAILED_CALLS, clock)

  for (const kind of ['auth', 'kyc', 'otp'] as const) {
    app.post(`${AUTHENTICATION_PREFIX}/${kind}/:licenceKey/:partnerId/:apiKey`, limit, async (c) => {
      const { licenceKey, partnerId, apiKey } = c.req.param()
      const signature = c.req.header(SIGNATURE_HEADER)
      const body = await c.req.text()
      return answer(await service.call(kind, { keys: { licenceKey, partnerId, apiKey }, signature, body }))
    })
  }

  app.post(`${AUTHENTICATION_PREFIX}/internal/auth`, limit, async (c) => {
    const token = BEARER.exec(c.req.header('authorization') ?? '')?.[1]
    const principal = token === undefined ? undefined : await tokens.verify(token)
    if (principal === undefined) {
      const wait = failures.take(callerOf(c.env.origin))
      return wait > 0 ? problemResponse('RATE_LIMITED') : problemResponse('UNAUTHENTICATED')
    }
    if (!rolesAllow(principal.roles, 'use-identity-keys')) return problemResponse('ACCESS_DENIED')
    if (service.internal === undefined) return problemResponse('UNSUPPORTED', NO_INTERNAL_USE)
    return answer(await service.internal(principal.actor, await c.req.text()))
  })

  app.get(`${AUTHENTICATION_PREFIX}/keys`, async (c) => {
    const statement = await service.hpkeStatement()
    return statement === undefined ? problemResponse('NOT_FOUND') : c.json({ statement })
  })
}

function answer({ body, signature }: SignedAnswer): Response {
  const headers = { 'content-type': JSON_TYPE, [RESPONSE_SIGNATURE_HEADER]: signature }
  return new Response(body, { headers })
}
