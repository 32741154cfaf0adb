import type { OpenAPIHono } from '@hono/zod-openapi'
import { KeyhavenError } from '@keyhaven/crypto'
import { EVENT_SIGNATURE_HEADER, MAX_EVENT_BYTES } from '@keyhaven/identity'
import { type AppEnv, callerOf } from '../../platform/http/call-origin.ts'
import { limitBody } from '../../platform/http/limit-body.ts'
import { createRateLimiter } from '../../platform/http/rate-limit.ts'
import { type EventImportParts, importEvent } from '../ida/import-event.ts'

/** Where the issuer's events come; MOSIP has an address for each topic, here one takes all. */
export const CALLBACK_PATH = '/idauthentication/v1/callback/events'
/** Of calls whose signature is none of the issuer's: each costs an RSA verification. */
const REFUSED_EVENTS = { burst: 60, perMinute: 60 }
const STRANGERS: readonly string[] = ['SIGNATURE_INVALID', 'CERTIFICATE_INVALID']

/** Webhook of the issuer's events. What is not taken is answered with an error, so that it comes again. */
export function addCallbackRoutes(
  app: OpenAPIHono<AppEnv>,
  parts: EventImportParts & { readonly clock: () => number },
): void {
  const refused = createRateLimiter(REFUSED_EVENTS, parts.clock)
  app.post(CALLBACK_PATH, limitBody(MAX_EVENT_BYTES), async (c) => {
    const caller = callerOf(c.env.origin)
    if (refused.wait(caller) > 0) throw new KeyhavenError('RATE_LIMITED', 'too many refused events')
    const body = new Uint8Array(await c.req.arrayBuffer())
    try {
      const result = await importEvent(parts, { body, signature: c.req.header(EVENT_SIGNATURE_HEADER) ?? '' })
      return c.json({ result })
    } catch (error) {
      if (error instanceof KeyhavenError && STRANGERS.includes(error.code)) refused.take(caller)
      throw error
    }
  })
}
