import type { MiddlewareHandler } from 'hono'
import { bodyLimit } from 'hono/body-limit'
import { problemResponse } from './problem.ts'

/** JSON bodies of the admin API. */
export const MAX_JSON_BODY_BYTES = 64 * 1_024

/** Refuses a longer body before it is read: by Content-Length, else while it streams. */
export function limitBody(maxBytes: number): MiddlewareHandler {
  return bodyLimit({
    maxSize: maxBytes,
    onError: () =>
      problemResponse('WIRE_TOO_LARGE', { detail: `The body may have at most ${maxBytes} bytes.` }),
  })
}
