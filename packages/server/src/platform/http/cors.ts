import type { MiddlewareHandler } from 'hono'

/**
 * Public material (manifests, key configurations, sealed envelopes) may be asked for by a page of any origin,
 * without credentials.
 */
export const PUBLIC_CORS_HEADERS: Readonly<Record<string, string>> = {
  'access-control-allow-origin': '*',
  'access-control-allow-methods': 'GET, POST, OPTIONS',
  'access-control-allow-headers': 'content-type, accept, incremental, cache-control',
  'access-control-expose-headers': 'date, retry-after',
  'access-control-max-age': '86400',
}

/** Adds {@link PUBLIC_CORS_HEADERS} and answers preflight requests. */
export function publicCors(): MiddlewareHandler {
  return async (c, next) => {
    if (c.req.method === 'OPTIONS') return new Response(null, { status: 204, headers: PUBLIC_CORS_HEADERS })
    await next()
    for (const [name, value] of Object.entries(PUBLIC_CORS_HEADERS)) c.res.headers.set(name, value)
    return undefined
  }
}
