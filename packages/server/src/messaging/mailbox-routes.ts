import type { OpenAPIHono } from '@hono/zod-openapi'
import { createRoute, z } from '@hono/zod-openapi'
import { KeyhavenError } from '@keyhaven/crypto'
import type { UserEnv } from '../directory/device-guard.ts'
import { requireCaller, storableText, usernameSchema } from '../directory/directory-routes.ts'
import type { RateLimiter } from '../platform/http/rate-limit.ts'
import { createRateLimiter } from '../platform/http/rate-limit.ts'
import { json, page, problemAnswers, timeSchema } from '../platform/http/schemas.ts'
import type { MailboxEvents } from './mailbox-events.ts'
import type { MailboxMessage, MailboxStore } from './mailbox-store.ts'
import { mailboxStream } from './mailbox-stream.ts'

const MAX_ENVELOPE_CHARS = 256 * 1_024
const MAX_PAGE = 100
const DEFAULT_PAGE = 50
/** By sending device. */
const SEND_LIMIT = { burst: 300, perMinute: 300, maxCallers: 100_000 }
/** Streams that one device holds open here. */
const MAX_STREAMS = 4

const cursorSchema = z
  .string()
  .regex(/^\d{1,15}$/, 'a cursor of a message')
  .default('0')
  .transform(Number)

const messageSchema = z
  .object({
    cursor: z.string(),
    id: z.string(),
    from: z.object({ username: z.string(), device: z.string() }),
    envelope: z.string(),
    receivedAt: timeSchema,
  })
  .openapi('MailboxMessage')

const tags = ['Mailbox']

export const mailboxRoutes = {
  send: createRoute({
    method: 'post',
    path: '/v1/mailbox/messages',
    tags,
    summary: 'Put an envelope into the mailbox of a user, and of one’s own other devices',
    request: {
      body: {
        required: true,
        content: json(
          z.strictObject({
            to: usernameSchema,
            envelope: z.string().min(1).max(MAX_ENVELOPE_CHARS).refine(storableText, 'no NUL'),
          }),
        ),
      },
    },
    responses: {
      201: {
        description: 'Kept for 30 days',
        content: json(z.object({ id: z.string(), receivedAt: timeSchema })),
      },
      ...problemAnswers(400, 401, 404, 413, 429, 503),
    },
  }),
  list: createRoute({
    method: 'get',
    path: '/v1/mailbox/messages',
    tags,
    summary: 'One’s own messages, oldest first',
    request: {
      query: z.object({
        after: cursorSchema,
        limit: z.coerce.number().int().min(1).max(MAX_PAGE).default(DEFAULT_PAGE),
      }),
    },
    responses: {
      200: {
        description: 'nextCursor is null at the end',
        content: page(messageSchema),
      },
      ...problemAnswers(400, 401, 503),
    },
  }),
  events: createRoute({
    method: 'get',
    path: '/v1/mailbox/events',
    tags,
    summary: 'One’s own messages as they come (server-sent events), for five minutes at a time',
    request: { query: z.object({ after: cursorSchema }) },
    responses: {
      200: { description: 'Events', content: { 'text/event-stream': { schema: z.string() } } },
      ...problemAnswers(400, 401, 429, 503),
    },
  }),
}

export interface MailboxParts {
  readonly store: MailboxStore
  readonly events: MailboxEvents
  /** Shared with look-ups, so that names cannot be harvested here either. */
  readonly unknownNames: RateLimiter
  /** Whether a device that signed is still valid. */
  readonly isCurrent: (applicationId: string, device: string) => Promise<boolean>
  readonly clock: () => number
}

export function addMailboxRoutes(app: OpenAPIHono<UserEnv>, parts: MailboxParts): void {
  const { store, events, unknownNames, clock } = parts
  const limiter = createRateLimiter(SEND_LIMIT, clock)
  const streams = new Map<string, number>()

  app.openapi(mailboxRoutes.send, async (c) => {
    const { applicationId } = c.var
    const from = requireCaller(c)
    if (limiter.take(`${applicationId} ${from.device}`) > 0)
      throw new KeyhavenError('RATE_LIMITED', 'too many messages')
    const { to, envelope } = c.req.valid('json')
    const user = `${applicationId} ${from.username}`
    if (unknownNames.wait(user) > 0)
      throw new KeyhavenError('RATE_LIMITED', 'too many names that are not there')
    const { id, receivedAt } = await store
      .add(applicationId, { from, to, envelope })
      .catch((error: unknown) => {
        if (error instanceof KeyhavenError && error.code === 'NOT_FOUND') unknownNames.take(user)
        throw error
      })
    events.arrived(applicationId, new Set([to, from.username]))
    return c.json({ id, receivedAt: new Date(receivedAt).toISOString() }, 201)
  })

  app.openapi(mailboxRoutes.list, async (c) => {
    const { after, limit } = c.req.valid('query')
    const { username } = requireCaller(c)
    const found = await store.list(c.var.applicationId, username, after, limit + 1)
    const items = found.slice(0, limit).map(messageJson)
    return c.json({ items, nextCursor: found.length > limit ? items.at(-1)!.cursor : null }, 200)
  })

  app.openapi(mailboxRoutes.events, (c) => {
    const { applicationId } = c.var
    const { username, device } = requireCaller(c)
    const name = `${applicationId} ${device}`
    const open = streams.get(name) ?? 0
    if (open >= MAX_STREAMS) throw new KeyhavenError('RATE_LIMITED', 'too many streams of this device')
    streams.set(name, open + 1)
    const body = mailboxStream({
      store,
      events,
      applicationId,
      username,
      after: c.req.valid('query').after,
      signal: c.req.raw.signal,
      isCurrent: () => parts.isCurrent(applicationId, device),
      json: messageJson,
      onEnd: () => {
        const left = (streams.get(name) ?? 1) - 1
        if (left > 0) streams.set(name, left)
        else streams.delete(name)
      },
    })
    return new Response(body, {
      headers: { 'content-type': 'text/event-stream; charset=utf-8', 'cache-control': 'no-store' },
    })
  })
}

function messageJson({
  cursor,
  id,
  from,
  envelope,
  receivedAt,
}: MailboxMessage): z.infer<typeof messageSchema> {
  return {
    cursor: String(cursor),
    id,
    from: { username: from.username, device: from.device },
    envelope,
    receivedAt: new Date(receivedAt).toISOString(),
  }
}
