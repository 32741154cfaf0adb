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
    if (raw.body === null) return next()
    const length = raw.headers.get('content-length')
    if (length !== null && !raw.headers.has('transfer-encoding')) {
      return Number.parseInt(length, 10) > maxBytes ? tooLarge() : next()
    }
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

/** @returns undefined for a longer one, of which the rest is not read. */
export async function readAtMost(
  stream: ReadableStream<Uint8Array>,
  maxBytes: number,
): Promise<Uint8Array<ArrayBuffer> | undefined> {
  const chunks: Uint8Array[] = []
  let size = 0
  // Leaving the loop early cancels the stream.
  for await (const chunk of stream) {
    size += chunk.length
    if (size > maxBytes) return undefined
    chunks.push(chunk)
  }
  const body = new Uint8Array(size)
  let offset = 0
  for (const chunk of chunks) {
    body.set(chunk, offset)
    offset += chunk.length
  }
  return body
}
