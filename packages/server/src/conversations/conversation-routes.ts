import type { OpenAPIHono } from '@hono/zod-openapi'
import { createRoute, z } from '@hono/zod-openapi'
import type { EntryInput } from '@keyhaven/conversations/service'
import { KeyhavenError } from '@keyhaven/crypto'
import type { UserEnv } from '../directory/device-guard.ts'
import { requireCaller } from '../directory/directory-routes.ts'
import type { RateLimiter } from '../platform/http/rate-limit.ts'
import { createRateLimiter } from '../platform/http/rate-limit.ts'
import { body, json, problemAnswers } from '../platform/http/schemas.ts'
import {
  entrySchema,
  idSchema,
  incompleteSchema,
  keySchema,
  loggedEntrySchema,
  proofsSchema,
  receiptSchema,
  uploadSchema,
} from './conversation-schemas.ts'
import type { Conversations } from './conversations.ts'
import { exact } from './exact.ts'

const MAX_SEQUENCE = Number.MAX_SAFE_INTEGER
const MAX_PAGE = 200
const DEFAULT_PAGE = 100
/** Of what changes a conversation, by device. */
const CHANGES = { burst: 300, perMinute: 120, maxCallers: 100_000 }
/** Of new keys without a change, by user and conversation: a row and a receipt are kept of each. */
export const ROTATIONS = { burst: 100, perMinute: 20, maxCallers: 100_000 }

const tags = ['Conversations']
const params = z.object({ id: idSchema })
const limitSchema = z.coerce.number().int().min(1).max(MAX_PAGE).default(DEFAULT_PAGE)
const afterSchema = z.coerce.number().int().min(-1).max(MAX_SEQUENCE).default(-1)
const accepted = {
  description: 'Accepted, and committed to in the log. A managed conversation answers with its new key',
  content: json(z.object({ entry: loggedEntrySchema, key: keySchema.nullable() })),
}

export const conversationRoutes = {
  create: createRoute({
    method: 'post',
    path: '/v1/conversations',
    tags,
    summary: 'Create a conversation',
    request: { body: body(z.strictObject({ entry: entrySchema, key: uploadSchema.optional() })) },
    responses: { 201: accepted, ...problemAnswers(400, 401, 403, 404, 409, 413, 429, 503) },
  }),
  list: createRoute({
    method: 'get',
    path: '/v1/conversations',
    tags,
    summary: 'One’s own conversations',
    request: { query: z.object({ after: idSchema.optional(), limit: limitSchema }) },
    responses: {
      200: {
        description: 'By id; role is null where one is a member no more. nextCursor is null at the end',
        content: json(
          z.object({
            items: z.array(
              z.object({
                conversation: z.string(),
                sequence: z.int(),
                head: z.string(),
                role: z.enum(['owner', 'admin', 'member', 'reader']).nullable(),
                mode: z.enum(['managed', 'sealed']),
                changedAt: z.int(),
              }),
            ),
            nextCursor: z.string().nullable(),
          }),
        ),
      },
      ...problemAnswers(400, 401, 503),
    },
  }),
  show: createRoute({
    method: 'get',
    path: '/v1/conversations/{id}',
    tags,
    summary: 'The membership chain, proven, and the state of the current key',
    request: {
      params,
      query: z.object({
        after: afterSchema.openapi({ description: 'Sequence that is known already' }),
        messages: z.coerce
          .number()
          .int()
          .min(0)
          .max(MAX_SEQUENCE)
          .optional()
          .openapi({ description: 'How many were sent under the current key, as far as the caller knows' }),
      }),
    },
    responses: {
      200: {
        description: 'Entries after the known one; nextAfter is null at the end',
        content: json(
          z.object({
            entries: z.array(loggedEntrySchema),
            sequence: z.int(),
            head: z.string(),
            mode: z.enum(['managed', 'sealed']),
            currentKey: z.string().nullable(),
            rotationDue: z.enum(['membership', 'device', 'age', 'messages', 'rule']).nullable(),
            holders: z.int().nullable(),
            nextAfter: z.int().nullable(),
            ...proofsSchema,
          }),
        ),
      },
      ...problemAnswers(400, 401, 403, 404, 503),
    },
  }),
  append: createRoute({
    method: 'post',
    path: '/v1/conversations/{id}/entries',
    tags,
    summary: 'Change the membership: compare-and-set on the sequence',
    request: {
      params,
      body: body(
        z.strictObject({
          entry: entrySchema,
          key: uploadSchema.optional(),
          acceptLoss: z.boolean().optional(),
        }),
      ),
    },
    responses: { 201: accepted, ...problemAnswers(400, 401, 403, 404, 409, 413, 429, 503) },
  }),
  rotate: createRoute({
    method: 'post',
    path: '/v1/conversations/{id}/keys',
    tags,
    summary: 'A new key: made by the server, or by the calling device',
    request: {
      params,
      body: body(
        z.union([uploadSchema, z.strictObject({ messages: z.int().min(0).max(MAX_SEQUENCE).optional() })]),
      ),
    },
    responses: {
      201: { description: 'The current key from now on', content: json(keySchema) },
      202: { description: 'More of its recipients are awaited', content: json(incompleteSchema) },
      ...problemAnswers(400, 401, 403, 404, 409, 413, 429, 503),
    },
  }),
  receipts: createRoute({
    method: 'get',
    path: '/v1/conversations/{id}/receipts',
    tags,
    summary: 'Who was given which key or file, when, and by which rule',
    request: { params, query: z.object({ after: afterSchema, limit: limitSchema }) },
    responses: {
      200: {
        description: 'In order, without gaps; nextCursor is null at the end',
        content: json(
          z.object({ items: z.array(receiptSchema), nextCursor: z.string().nullable(), ...proofsSchema }),
        ),
      },
      ...problemAnswers(400, 401, 403, 404, 503),
    },
  }),
}

export function addConversationRoutes(
  app: OpenAPIHono<UserEnv>,
  conversations: Conversations,
  unknownNames: RateLimiter,
  clock: () => number,
): void {
  const changes = createRateLimiter(CHANGES, clock)
  const rotations = createRateLimiter(ROTATIONS, clock)

  /** Names of members tell whether a user is there, as look-ups do: so they count alike. */
  async function accept<T>(
    applicationId: string,
    caller: { username: string; device: string },
    run: () => Promise<T>,
  ) {
    if (changes.take(`${applicationId} ${caller.device}`) > 0) {
      throw new KeyhavenError('RATE_LIMITED', 'too many changes: wait a while, then try again')
    }
    const user = `${applicationId} ${caller.username}`
    if (unknownNames.wait(user) > 0) {
      throw new KeyhavenError('RATE_LIMITED', 'too many names that are not there')
    }
    try {
      return await run()
    } catch (error) {
      if (error instanceof KeyhavenError && error.code === 'NOT_FOUND') unknownNames.take(user)
      throw error
    }
  }

  app.openapi(conversationRoutes.create, async (c) => {
    const { applicationId } = c.var
    const caller = requireCaller(c)
    const service = await conversations.open(applicationId)
    const input = exact<EntryInput>(c.req.valid('json'))
    return c.json(
      exact(await accept(applicationId, caller, () => service.create(applicationId, caller, input))),
      201,
    )
  })

  app.openapi(conversationRoutes.list, async (c) => {
    const { applicationId } = c.var
    const { after = '', limit } = c.req.valid('query')
    const service = await conversations.open(applicationId)
    const found = await service.list(applicationId, requireCaller(c), { after, limit: limit + 1 })
    const items = found.slice(0, limit)
    return c.json({ items, nextCursor: found.length > limit ? items.at(-1)!.conversation : null }, 200)
  })

  app.openapi(conversationRoutes.show, async (c) => {
    const { applicationId } = c.var
    const { after, messages } = c.req.valid('query')
    const service = await conversations.open(applicationId)
    const query = { after, ...(messages !== undefined && { messages }) }
    return c.json(
      exact(await service.show(applicationId, requireCaller(c), c.req.valid('param').id, query)),
      200,
    )
  })

  app.openapi(conversationRoutes.append, async (c) => {
    const { applicationId } = c.var
    const caller = requireCaller(c)
    const { id } = c.req.valid('param')
    const service = await conversations.open(applicationId)
    const input = exact<EntryInput>(c.req.valid('json'))
    const answer = await accept(applicationId, caller, () => service.append(applicationId, caller, id, input))
    return c.json(exact(answer), 201)
  })

  app.openapi(conversationRoutes.rotate, async (c) => {
    const { applicationId } = c.var
    const caller = requireCaller(c)
    const { id } = c.req.valid('param')
    const input = c.req.valid('json')
    const service = await conversations.open(applicationId)
    if (rotations.take(`${applicationId} ${caller.username} ${id}`) > 0) {
      throw new KeyhavenError('RATE_LIMITED', 'too many new keys: use the current one, or wait a minute')
    }
    const upload = 'announcement' in input ? input : undefined
    const key = await accept(applicationId, caller, () => service.rotate(applicationId, caller, id, upload))
    if ('complete' in key) return c.json({ id: key.id, complete: false as const }, 202)
    return c.json(exact<z.infer<typeof keySchema>>(key), 201)
  })

  app.openapi(conversationRoutes.receipts, async (c) => {
    const { applicationId } = c.var
    const { after, limit } = c.req.valid('query')
    const service = await conversations.open(applicationId)
    const { id } = c.req.valid('param')
    const page = await service.receipts(applicationId, requireCaller(c), id, { after, limit: limit + 1 })
    const items = page.items.slice(0, limit)
    const last = items.at(-1)?.receipt.sequence
    const nextCursor = page.items.length > limit ? String(last) : null
    return c.json(exact({ ...page, items, nextCursor }), 200)
  })
}
