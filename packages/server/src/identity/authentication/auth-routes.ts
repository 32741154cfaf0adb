import type { OpenAPIHono } from '@hono/zod-openapi'
import { RESPONSE_SIGNATURE_HEADER, SIGNATURE_HEADER } from '@keyhaven/identity'
import type { AuthenticationService, SignedAnswer } from '@keyhaven/identity/service'
import type { AdminEnv } from '../../platform/auth/principal.ts'
import type { AppEnv } from '../../platform/http/call-origin.ts'
import { limitBody } from '../../platform/http/limit-body.ts'
import { problemResponse } from '../../platform/http/problem.ts'
import { createTokenGuard, type TokenGuardParts } from '../token-guard.ts'

export const AUTHENTICATION_PREFIX = '/idauthentication/v1'
/** Ten fingers, two eyes and a face, encrypted, signed and encrypted again. */
const MAX_BODY_BYTES = 8 * 1_024 * 1_024
const JSON_TYPE = 'application/json;charset=UTF-8'
/** 501: no call of this kind is ever answered. */
const NO_INTERNAL_USE = {
  status: 501,
  detail:
    'An IDA of profile keyhaven has no internal authentication: the oblivious PRF looks somebody up only for a ' +
    'request that a partner has signed. Register the service as a relying party, and ask as one.',
} as const

export interface AuthRouteParts extends TokenGuardParts {
  readonly service: AuthenticationService
}

/** MOSIP's ID authentication. Every answer is signed, a refusal too; the keys in the path stay out of logs. */
export function addAuthRoutes(app: OpenAPIHono<AppEnv>, { service, ...parts }: AuthRouteParts): void {
  const limit = limitBody(MAX_BODY_BYTES)

  for (const kind of ['auth', 'kyc', 'otp'] as const) {
    app.post(`${AUTHENTICATION_PREFIX}/${kind}/:licenceKey/:partnerId/:apiKey`, limit, async (c) => {
      const { licenceKey, partnerId, apiKey } = c.req.param()
      const signature = c.req.header(SIGNATURE_HEADER)
      const body = await c.req.text()
      return answer(await service.call(kind, { keys: { licenceKey, partnerId, apiKey }, signature, body }))
    })
  }

  const router = app as unknown as OpenAPIHono<AdminEnv>
  const services = createTokenGuard(parts)('use-identity-keys')
  router.post(`${AUTHENTICATION_PREFIX}/internal/auth`, ...services, limit, async (c) => {
    if (service.internal === undefined) return problemResponse('UNSUPPORTED', NO_INTERNAL_USE)
    return answer(await service.internal(c.var.principal.actor, await c.req.text()))
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
