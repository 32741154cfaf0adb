import { z } from '@hono/zod-openapi'

/** Largest page that a list answers. */
export const MAX_PAGE_ITEMS = 200
const DEFAULT_PAGE_ITEMS = 50
const MAX_CURSOR_CHARS = 200

/** ISO 8601, UTC. */
export const timeSchema = z.iso.datetime({ offset: true }).openapi({ example: '2026-03-01T12:00:00.000Z' })

export const problemSchema = z
  .object({
    type: z.string().openapi({ example: 'urn:keyhaven:error:NOT_FOUND' }),
    code: z.string().openapi({ example: 'NOT_FOUND' }),
    title: z.string(),
    status: z.int(),
    detail: z.string().optional(),
    errors: z.array(z.object({ path: z.string(), message: z.string() })).optional(),
  })
  .openapi('Problem')

export const pageQuerySchema = z.object({
  cursor: z
    .string()
    .max(MAX_CURSOR_CHARS)
    .optional()
    .openapi({ description: 'nextCursor of the page before' }),
  limit: z.coerce.number().int().min(1).max(MAX_PAGE_ITEMS).default(DEFAULT_PAGE_ITEMS),
})

/** Content of a route's answer. */
export const json = <Schema extends z.ZodType>(schema: Schema) => ({ 'application/json': { schema } })

/** Body that a route must be sent. */
export const body = <Schema extends z.ZodType>(schema: Schema) => ({ required: true, content: json(schema) })

/** Content of a list's answer, whose query is {@link pageQuerySchema}. */
export const page = <Schema extends z.ZodType>(item: Schema) =>
  json(z.object({ items: z.array(item), nextCursor: z.string().nullable() }))

/** The refusals of a route, for its OpenAPI description. */
export function problemAnswers(...statuses: readonly number[]) {
  return Object.fromEntries(statuses.map((status) => [status, problemAnswer(REASONS[status] ?? 'Refused')]))
}

function problemAnswer(description: string) {
  return { description, content: { 'application/problem+json': { schema: problemSchema } } }
}

const REASONS: Readonly<Record<number, string>> = {
  400: 'The request is not valid',
  401: 'Sign in first',
  403: 'The role of the caller does not allow it',
  404: 'There is no such thing',
  409: 'It conflicts with the present state',
  413: 'The body is too large',
  429: 'Too many requests: try again after the seconds of Retry-After',
  502: 'Another server, which is asked, does not answer',
  503: 'A store cannot be reached',
}
