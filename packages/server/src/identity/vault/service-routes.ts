import type { OpenAPIHono, z } from '@hono/zod-openapi'
import { KeyhavenError } from '@keyhaven/crypto'
import { type EnvelopeHead, mosipResponse, NO_HEAD, readEnvelope } from '@keyhaven/identity'
import type { AppEnv } from '../../platform/http/call-origin.ts'
import { limitBody } from '../../platform/http/limit-body.ts'
import { mosipJson, mosipRefusal } from '../mosip-refusal.ts'
import type { PartnerCallers } from '../partners/partner-callers.ts'

export interface ServiceRouteParts {
  readonly callers: PartnerCallers
  readonly clock: () => number
}

/** A call of one of the identity system's services, in MOSIP's envelope. */
export interface ServiceCall<T> {
  readonly actor: string
  /** The envelope's `request`, checked; undefined of a GET. */
  readonly request: T
  param(name: string): string
}

/** Routes for services with the permission `use-identity-keys`. */
export function serviceRoute<T>(
  app: OpenAPIHono<AppEnv>,
  { callers, clock }: ServiceRouteParts,
  codes: Parameters<typeof mosipRefusal>[1],
  route: {
    readonly method: 'GET' | 'POST'
    readonly path: string
    readonly schema: z.ZodType<T>
    readonly maxBytes: number
  },
  work: (call: ServiceCall<T>) => Promise<object>,
): void {
  app.on(route.method, route.path, limitBody(route.maxBytes), async (c) => {
    let head: EnvelopeHead = NO_HEAD
    try {
      const caller = await callers.identify(c)
      if (!caller.serves) throw new KeyhavenError('ACCESS_DENIED', 'the role of this token does not allow it')
      const body = route.method === 'GET' ? undefined : await c.req.json().catch(() => undefined)
      const envelope = readEnvelope(body)
      head = envelope?.head ?? NO_HEAD
      const checked = route.schema.safeParse(envelope?.request)
      if (!checked.success) {
        const [issue] = checked.error.issues
        throw new KeyhavenError('INPUT_INVALID', `request.${issue!.path.join('.')}: ${issue!.message}`)
      }
      const param = (name: string) => c.req.param(name) ?? ''
      const answer = await work({ actor: caller.actor, request: checked.data, param })
      return mosipJson(mosipResponse(answer, clock(), head))
    } catch (error) {
      const refusal = mosipRefusal(error, codes, clock(), head)
      if (refusal === undefined) throw error
      return refusal
    }
  })
}
