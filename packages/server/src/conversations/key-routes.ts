import type { OpenAPIHono } from '@hono/zod-openapi'
import { createRoute, z } from '@hono/zod-openapi'
import { MAX_KEYS_PER_CALL } from '@keyhaven/conversations/service'
import { KeyhavenError } from '@keyhaven/crypto'
import type { UserEnv } from '../directory/device-guard.ts'
import { requireCaller } from '../directory/directory-routes.ts'
import { decodeCursor, encodeCursor } from '../platform/http/page-cursor.ts'
import { createRateLimiter } from '../platform/http/rate-limit.ts'
import { body, json, problemAnswers } from '../platform/http/schemas.ts'
import { deviceSchema, idSchema, keySchema, recipientsSchema, shareSchema } from './conversation-schemas.ts'
import type { Conversations } from './conversations.ts'
import { exact } from './exact.ts'

const MAX_PAGE = 500
const DEFAULT_PAGE = 100
const MAX_CURSOR_CHARS = 200
/** By device: releases, and what it hands on. */
const RELEASES = { burst: 1_200, perMinute: 600, maxCallers: 100_000 }
/** Keys that are asked for together and count as one call. */
const KEYS_PER_TURN = 10
const SHARES = { burst: 1_200, perMinute: 300, maxCallers: 100_000 }

const tags = ['Conversations']
const params = z.object({ id: idSchema })
const limitSchema = z.coerce.number().int().min(1).max(MAX_PAGE).default(DEFAULT_PAGE)

export const keyRoutes = {
  get: createRoute({
    method: 'get',
    path: '/v1/keys/{id}',
    tags,
    summary: 'A key, if one may read it; leaves a receipt',
    request: { params },
    responses: {
      200: { description: 'The key', content: json(keySchema) },
      ...problemAnswers(400, 401, 403, 404, 429, 503),
    },
  }),
  many: createRoute({
    method: 'post',
    path: '/v1/keys',
    tags,
    summary: 'Many keys at once, each by its own permission',
    request: {
      body: body(z.strictObject({ ids: z.array(idSchema).min(1).max(MAX_KEYS_PER_CALL) })),
    },
    responses: {
      200: {
        description: 'Those released, and those refused',
        content: json(
          z.object({
            keys: z.array(keySchema),
            refused: z.array(
              z.object({
                id: z.string(),
                code: z.string(),
                permission: z.string().optional(),
                reason: z.string().optional(),
              }),
            ),
          }),
        ),
      },
      ...problemAnswers(400, 401, 429, 503),
    },
  }),
  recipients: createRoute({
    method: 'get',
    path: '/v1/keys/{id}/recipients',
    tags,
    summary: 'The devices that a sealed key was wrapped to',
    request: { params, query: z.object({ after: deviceSchema.optional(), limit: limitSchema }) },
    responses: {
      200: {
        description: 'By device; nextCursor is null at the end',
        content: json(
          z.object({
            items: z.array(z.object({ username: z.string(), device: z.string(), thumbprint: z.string() })),
            nextCursor: z.string().nullable(),
          }),
        ),
      },
      ...problemAnswers(400, 401, 403, 404, 503),
    },
  }),
  addRecipients: createRoute({
    method: 'put',
    path: '/v1/keys/{id}/recipients',
    tags,
    summary: 'More recipients of a sealed key, until all that its announcement names are there',
    request: { params, body: body(z.strictObject({ recipients: recipientsSchema })) },
    responses: {
      200: { description: 'Kept', content: json(z.object({ complete: z.boolean() })) },
      ...problemAnswers(400, 401, 403, 404, 409, 413, 429, 503),
    },
  }),
  request: createRoute({
    method: 'post',
    path: '/v1/keys/{id}/requests',
    tags,
    summary: 'Ask the members’ devices for a sealed key',
    request: { params },
    responses: {
      202: { description: 'Waits for a device that can answer, 30 days' },
      ...problemAnswers(400, 401, 403, 404, 429, 503),
    },
  }),
  answerable: createRoute({
    method: 'get',
    path: '/v1/key-requests',
    tags,
    summary: 'Requests of others that this device can answer',
    request: { query: z.object({ after: z.string().max(MAX_CURSOR_CHARS).optional(), limit: limitSchema }) },
    responses: {
      200: {
        description: 'Oldest first; nextCursor is null at the end',
        content: json(
          z.object({
            items: z.array(
              z.object({
                conversation: z.string(),
                key: z.string(),
                username: z.string(),
                device: z.string(),
                requestedAt: z.int().openapi({ description: 'Seconds since the epoch' }),
              }),
            ),
            nextCursor: z.string().nullable(),
          }),
        ),
      },
      ...problemAnswers(400, 401, 503),
    },
  }),
  share: createRoute({
    method: 'post',
    path: '/v1/keys/{id}/shares',
    tags,
    summary: 'Hand a sealed key on to a device that may read it',
    request: { params, body: body(shareSchema) },
    responses: {
      204: { description: 'Kept for the device' },
      ...problemAnswers(400, 401, 403, 404, 409, 413, 429, 503),
    },
  }),
}

export function addKeyRoutes(
  app: OpenAPIHono<UserEnv>,
  conversations: Conversations,
  clock: () => number,
): void {
  const releases = createRateLimiter(RELEASES, clock)
  const shares = createRateLimiter(SHARES, clock)
  const turn = (limiter: typeof releases, name: string): void => {
    if (limiter.take(name) > 0) {
      throw new KeyhavenError('RATE_LIMITED', 'too many keys: wait a while, then try again')
    }
  }

  app.openapi(keyRoutes.get, async (c) => {
    const { applicationId } = c.var
    const caller = requireCaller(c)
    turn(releases, `${applicationId} ${caller.device}`)
    const service = await conversations.open(applicationId)
    return c.json(exact(await service.release(applicationId, caller, c.req.valid('param').id)), 200)
  })

  app.openapi(keyRoutes.many, async (c) => {
    const { applicationId } = c.var
    const caller = requireCaller(c)
    const { ids } = c.req.valid('json')
    // Each leaves a receipt or an entry of the audit log.
    for (let at = 0; at < ids.length; at += KEYS_PER_TURN) turn(releases, `${applicationId} ${caller.device}`)
    const service = await conversations.open(applicationId)
    return c.json(exact(await service.releaseMany(applicationId, caller, ids)), 200)
  })

  app.openapi(keyRoutes.recipients, async (c) => {
    const { applicationId } = c.var
    const { after = '', limit } = c.req.valid('query')
    const service = await conversations.open(applicationId)
    const page = { after, limit: limit + 1 }
    const found = await service.recipients(applicationId, requireCaller(c), c.req.valid('param').id, page)
    const items = found
      .slice(0, limit)
      .map(({ username, device, thumbprint }) => ({ username, device, thumbprint }))
    return c.json({ items, nextCursor: found.length > limit ? items.at(-1)!.device : null }, 200)
  })

  app.openapi(keyRoutes.addRecipients, async (c) => {
    const { applicationId } = c.var
    const caller = requireCaller(c)
    turn(shares, `${applicationId} ${caller.device}`)
    const service = await conversations.open(applicationId)
    const { recipients } = c.req.valid('json')
    const { id } = c.req.valid('param')
    return c.json(exact(await service.addRecipients(applicationId, caller, id, recipients)), 200)
  })

  app.openapi(keyRoutes.request, async (c) => {
    const { applicationId } = c.var
    const caller = requireCaller(c)
    turn(releases, `${applicationId} ${caller.device}`)
    const service = await conversations.open(applicationId)
    await service.requestKey(applicationId, caller, c.req.valid('param').id)
    return c.body(null, 202)
  })

  app.openapi(keyRoutes.answerable, async (c) => {
    const { applicationId } = c.var
    const { after: cursor, limit } = c.req.valid('query')
    const service = await conversations.open(applicationId)
    const found = await service.answerable(applicationId, requireCaller(c), {
      after: requestPlace(cursor),
      limit: limit + 1,
    })
    const shown = found.slice(0, limit)
    const last = shown.at(-1)
    const more = found.length > limit && last !== undefined
    const items = shown.map((request) => ({
      ...request,
      requestedAt: Math.floor(request.requestedAt / 1_000),
    }))
    return c.json(
      { items, nextCursor: more ? encodeCursor([last.requestedAt, last.key, last.device]) : null },
      200,
    )
  })

  app.openapi(keyRoutes.share, async (c) => {
    const { applicationId } = c.var
    const caller = requireCaller(c)
    turn(shares, `${applicationId} ${caller.device}`)
    const service = await conversations.open(applicationId)
    await service.share(applicationId, caller, c.req.valid('param').id, c.req.valid('json'))
    return c.body(null, 204)
  })
}

/** Where a page of requests ended. @throws KeyhavenError `INPUT_INVALID` */
function requestPlace(cursor: string | undefined) {
  if (cursor === undefined) return { at: 0, key: '', device: '' }
  const place = placeSchema.safeParse(decodeCursor(cursor, 'number', 'text', 'text'))
  if (!place.success) throw new KeyhavenError('INPUT_INVALID', 'cursor: take nextCursor of the page before')
  const [at, key, device] = place.data
  return { at, key, device }
}

const placeSchema = z.tuple([z.int().min(0), idSchema, deviceSchema])
