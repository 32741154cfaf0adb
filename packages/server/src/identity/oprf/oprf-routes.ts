import type { OpenAPIHono } from '@hono/zod-openapi'
import { createRoute, z } from '@hono/zod-openapi'
import { toBase64url } from '@keyhaven/crypto'
import { decodeOprfOrders, OPRF_SUITE } from '@keyhaven/identity'
import type { OprfServer } from '@keyhaven/identity/service'
import type { Context } from 'hono'
import type { AppEnv } from '../../platform/http/call-origin.ts'
import { limitBody } from '../../platform/http/limit-body.ts'
import { problemAnswers } from '../../platform/http/schemas.ts'

const MAX_BODY_BYTES = 4_194_304
const base64url = z.string().regex(/^[\w-]+$/, 'base64url')
const tags = ['Oblivious PRF']

const orderSchema = z.strictObject({
  element: base64url,
  authentication: z
    .strictObject({ digest: base64url, signature: base64url, certificates: z.array(base64url) })
    .optional(),
  issuance: z.string().optional(),
})

export const oprfRoutes = {
  keys: createRoute({
    method: 'get',
    path: '/oprf/v1/keys',
    tags,
    summary: 'Public keys, newest first (RFC 9497, ristretto255-SHA512, verifiable mode)',
    responses: {
      200: {
        description: 'A retired key still evaluates',
        content: {
          'application/json': {
            schema: z.object({
              suite: z.string(),
              keys: z.array(z.object({ version: z.int(), publicKey: z.string(), state: z.string() })),
            }),
          },
        },
      },
      ...problemAnswers(401, 403, 503),
    },
  }),
  evaluate: createRoute({
    method: 'post',
    path: '/oprf/v1/evaluate',
    tags,
    summary: 'Evaluates blinded elements, each with the order that entitles to it',
    request: {
      body: {
        required: true,
        content: {
          'application/json': {
            schema: z.strictObject({ version: z.int().min(1), orders: z.array(orderSchema) }),
          },
        },
      },
    },
    responses: {
      200: {
        description: 'In the order of the elements, with one proof for all',
        content: {
          'application/json': {
            schema: z.object({ version: z.int(), evaluated: z.array(z.string()), proof: z.string() }),
          },
        },
      },
      ...problemAnswers(400, 401, 403, 409, 413, 429, 503),
    },
  }),
}

export interface OprfRouteParts {
  readonly oprf: OprfServer
  /**
   * Who calls, `token:NAME`: he has the quota.
   *
   * @throws KeyhavenError `UNAUTHENTICATED`, `ACCESS_DENIED`.
   */
  readonly caller: (c: Context) => Promise<string>
}

export function addOprfRoutes(app: OpenAPIHono<AppEnv>, { oprf, caller }: OprfRouteParts): void {
  app.use('/oprf/v1/*', limitBody(MAX_BODY_BYTES))
  app.openapi(oprfRoutes.keys, async (c) => {
    await caller(c)
    const keys = await oprf.keys()
    return c.json(
      {
        suite: OPRF_SUITE,
        keys: keys.map(({ version, publicKey, state }) => ({
          version,
          publicKey: toBase64url(publicKey),
          state,
        })),
      },
      200,
    )
  })
  app.openapi(oprfRoutes.evaluate, async (c) => {
    const who = await caller(c)
    const { version, orders } = c.req.valid('json')
    const decoded = decodeOprfOrders({ version, orders: orders.map(withoutUndefined) })
    const { evaluated, proof } = await oprf.evaluate(who, version, decoded)
    return c.json({ version, evaluated: evaluated.map(toBase64url), proof: toBase64url(proof) }, 200)
  })
}

/** A member that may lack is one that may be undefined to the router; JSON never has it. */
function withoutUndefined({ element, authentication, issuance }: z.infer<typeof orderSchema>) {
  return {
    element,
    ...(authentication !== undefined && { authentication }),
    ...(issuance !== undefined && { issuance }),
  }
}
