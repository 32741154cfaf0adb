import type { OpenAPIHono } from '@hono/zod-openapi'
import { createRoute, z } from '@hono/zod-openapi'
import type { Gateway } from '@keyhaven/channel/gateway'
import { GATEWAY_LIMITS } from '@keyhaven/channel/gateway'
import { KeyhavenError } from '@keyhaven/crypto'
import type { Actor } from '@keyhaven/keys'
import { applicationIdSchema } from '../applications/application-routes.ts'
import type { ApplicationService } from '../applications/application-service.ts'
import type { AuditDetail } from '../platform/audit/audit-record.ts'
import { requirePermission } from '../platform/auth/authenticate.ts'
import type { AdminEnv } from '../platform/auth/principal.ts'
import { limitBody } from '../platform/http/limit-body.ts'
import { problemResponse } from '../platform/http/problem.ts'
import type { RateLimiter } from '../platform/http/rate-limit.ts'
import { problemAnswers } from '../platform/http/schemas.ts'
import type { State } from '../platform/state/state.ts'

/** Of envelopes to check; an app's own requests are not counted here. */
export const CHECK_RATE_LIMIT = { burst: 20, perMinute: 60 }

const checkSchema = z
  .object({
    accepted: z.boolean(),
    reason: z
      .enum(['unknown-key', 'revoked', 'not-openable', 'replayed', 'clock', 'malformed'])
      .optional()
      .openapi({ description: 'Why it would be refused' }),
    detail: z.string().optional(),
  })
  .openapi('EnvelopeCheck')

const envelope = { schema: z.string().openapi({ format: 'binary' }) }

export const checkRoutes = {
  check: createRoute({
    method: 'post',
    path: '/admin/v1/applications/{id}/check',
    tags: ['E2E keys'],
    security: [{ bearer: [] }],
    summary: 'Would this envelope be accepted, and if not, why?',
    description:
      'For whoever writes a client. Runs nothing and marks nothing as seen; rate-limited and audited.',
    middleware: [requirePermission('manage-keys'), limitBody(GATEWAY_LIMITS.maxWholeRequestBytes)],
    request: {
      params: z.object({ id: applicationIdSchema }),
      body: {
        required: true,
        content: { 'message/ohttp-req': envelope, 'message/ohttp-chunked-req': envelope },
      },
    },
    responses: {
      200: { description: 'The verdict', content: { 'application/json': { schema: checkSchema } } },
      ...problemAnswers(400, 401, 403, 404, 413, 429),
    },
  }),
}

export interface CheckRouteParts {
  readonly state: State
  readonly applications: ApplicationService
  readonly gateway: Gateway
  readonly limiter: RateLimiter
}

export function addCheckRoutes(app: OpenAPIHono<AdminEnv>, parts: CheckRouteParts): void {
  const { state, applications, gateway, limiter } = parts

  /** Whose last call was over the limit. */
  const limited = new Set<Actor>()

  const audit = (actor: Actor, applicationId: string, detail: AuditDetail) =>
    state.transaction(async (transaction) => {
      state.audit.append(transaction, { actor, action: 'channel.check', applicationId, detail })
    })

  app.openapi(checkRoutes.check, async (c) => {
    const { actor } = c.var.principal
    const asked = c.req.valid('param').id
    const wait = limiter.take(actor)
    if (wait > 0) {
      // Once until a call passes again: the limit also holds for what the log takes.
      if (!limited.has(actor)) {
        limited.add(actor)
        await audit(actor, asked, { refused: 'RATE_LIMITED' })
      }
      return problemResponse('RATE_LIMITED', {
        detail: `Try again in ${wait} seconds.`,
        headers: { 'retry-after': String(wait) },
      }) as never
    }
    limited.delete(actor)
    const { id } = await applications.get(asked).catch(async (error: unknown) => {
      if (error instanceof KeyhavenError && error.code === 'NOT_FOUND') {
        await audit(actor, asked, { refused: error.code })
      }
      throw error
    })
    const bytes = new Uint8Array(await c.req.arrayBuffer())
    const verdict = await gateway.check(bytes, c.req.header('content-type') ?? '', id)
    const { accepted, reason = null } = verdict
    await audit(actor, id, { accepted, reason, bytes: bytes.length })
    return c.json(verdict, 200)
  })
}
