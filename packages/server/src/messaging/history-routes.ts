import type { OpenAPIHono } from '@hono/zod-openapi'
import { createRoute, z } from '@hono/zod-openapi'
import { KeyhavenError } from '@keyhaven/crypto'
import type { UserEnv } from '../directory/device-guard.ts'
import { requireCaller, storableText } from '../directory/directory-routes.ts'
import { createRateLimiter } from '../platform/http/rate-limit.ts'
import { json, page, problemAnswers, timeSchema } from '../platform/http/schemas.ts'
import type { HistoryStore } from './history-store.ts'

const MAX_BATCH_CHARS = 256 * 1_024
const MAX_WRAPPED_CHARS = 16 * 1_024
/** A page is at most some 5 MiB. */
const PAGE = 20
/** By device. */
const LIMIT = { burst: 300, perMinute: 120, maxCallers: 100_000 }

const recipientSchema = z.string().regex(/^(backup|[\w-]{22})$/, 'backup, or a device id')
const kindSchema = z.enum(['passphrase', 'passkey'])
const tags = ['History']

const batchSchema = z
  .object({ cursor: z.string(), batch: z.string(), device: z.string(), receivedAt: timeSchema })
  .openapi('HistoryBatch')

export const historyRoutes = {
  add: createRoute({
    method: 'post',
    path: '/v1/history/batches',
    tags,
    summary: 'Keep encrypted message keys, for the recovery key or for another device of one’s own',
    request: {
      body: {
        required: true,
        content: json(
          z.strictObject({
            recipient: recipientSchema,
            batch: z.string().min(1).max(MAX_BATCH_CHARS).refine(storableText, 'no NUL'),
          }),
        ),
      },
    },
    responses: {
      201: { description: 'Kept', content: json(z.object({ cursor: z.string() })) },
      ...problemAnswers(400, 401, 413, 429, 503),
    },
  }),
  list: createRoute({
    method: 'get',
    path: '/v1/history/batches',
    tags,
    summary: 'One’s own batches, oldest first',
    request: {
      query: z.object({
        recipient: recipientSchema,
        after: z
          .string()
          .regex(/^\d{1,15}$/, 'a cursor of a batch')
          .default('0')
          .transform(Number),
      }),
    },
    responses: {
      200: {
        description: 'nextCursor is null at the end',
        content: page(batchSchema),
      },
      ...problemAnswers(400, 401, 429, 503),
    },
  }),
  putRecovery: createRoute({
    method: 'put',
    path: '/v1/history/recovery/{kind}',
    tags,
    summary: 'Keep the recovery key, encrypted under a passphrase or a passkey',
    request: {
      params: z.object({ kind: kindSchema }),
      body: {
        required: true,
        content: json(
          z.strictObject({
            wrapped: z.string().min(1).max(MAX_WRAPPED_CHARS).refine(storableText, 'no NUL'),
          }),
        ),
      },
    },
    responses: { 204: { description: 'Kept' }, ...problemAnswers(400, 401, 429, 503) },
  }),
  getRecovery: createRoute({
    method: 'get',
    path: '/v1/history/recovery/{kind}',
    tags,
    summary: 'The encrypted recovery key',
    request: { params: z.object({ kind: kindSchema }) },
    responses: {
      200: { description: 'As it was put', content: json(z.object({ wrapped: z.string() })) },
      ...problemAnswers(400, 401, 404, 429, 503),
    },
  }),
}

export function addHistoryRoutes(app: OpenAPIHono<UserEnv>, store: HistoryStore, clock: () => number): void {
  const limiter = createRateLimiter(LIMIT, clock)
  app.use('/v1/history/*', async (c, next) => {
    if (limiter.take(`${c.var.applicationId} ${requireCaller(c).device}`) > 0) {
      throw new KeyhavenError('RATE_LIMITED', 'too many calls for history')
    }
    return next()
  })

  app.openapi(historyRoutes.add, async (c) => {
    const { username, device } = requireCaller(c)
    const cursor = await store.add(c.var.applicationId, username, { ...c.req.valid('json'), device })
    return c.json({ cursor: String(cursor) }, 201)
  })

  app.openapi(historyRoutes.list, async (c) => {
    const { recipient, after } = c.req.valid('query')
    const { username } = requireCaller(c)
    const found = await store.list(c.var.applicationId, username, recipient, after, PAGE + 1)
    const items = found.slice(0, PAGE).map(({ cursor, batch, device, receivedAt }) => ({
      cursor: String(cursor),
      batch,
      device,
      receivedAt: new Date(receivedAt).toISOString(),
    }))
    return c.json({ items, nextCursor: found.length > PAGE ? items.at(-1)!.cursor : null }, 200)
  })

  app.openapi(historyRoutes.putRecovery, async (c) => {
    const { username } = requireCaller(c)
    const { kind } = c.req.valid('param')
    await store.putRecovery(c.var.applicationId, username, kind, c.req.valid('json').wrapped)
    return c.body(null, 204)
  })

  app.openapi(historyRoutes.getRecovery, async (c) => {
    const { username } = requireCaller(c)
    const wrapped = await store.getRecovery(c.var.applicationId, username, c.req.valid('param').kind)
    if (wrapped === undefined) throw new KeyhavenError('HISTORY_UNAVAILABLE', 'no recovery key is kept here')
    return c.json({ wrapped }, 200)
  })
}
