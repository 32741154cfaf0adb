import { readAtMost } from '@keyhaven/crypto'
import type { MiddlewareHandler } from 'hono'
import { problemResponse } from './problem.ts'

/** JSON bodies of the admin API. */
export const MAX_JSON_BODY_BYTES = 64 * 1_024

/**
 * Refuses a longer body before it is read: by Content-Length, else while it streams.
 *
 * Not Hono's own: that one copies the request object itself, which fails for the light requests of a listener
 * and of the gateway whenever no Content-Length is given, as with a DELETE.
 */
export function limitBody(maxBytes: number): MiddlewareHandler {
  const tooLarge = () =>
    problemResponse('WIRE_TOO_LARGE', { detail: `The body may have at most ${maxBytes} bytes.` })
  return async (c, next) => {
    const { raw } = c.req
    const length = raw.headers.get('content-length')
    if (length !== null && !raw.headers.has('transfer-encoding')) {
      return Number.parseInt(length, 10) > maxBytes ? tooLarge() : next()
    }
    // Asked for last: a listener's light request becomes a whole one by it.
    if (raw.body === null) return next()
    const body = await readAtMost(raw.body, maxBytes)
    if (body === undefined) return tooLarge()
    c.req.raw = new Request(raw.url, {
      method: raw.method,
      headers: [...raw.headers],
      signal: raw.signal,
      ...(body.length === 0 ? {} : { body }),
    })
    return next()
  }
}
