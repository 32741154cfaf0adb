import { createRoute, z } from '@hono/zod-openapi'
import { applicationIdSchema } from '../../applications/application-routes.ts'
import { requirePermission } from '../../platform/auth/authenticate.ts'
import { decodeCursor, encodeCursor } from '../../platform/http/page-cursor.ts'
import { body, json, page, pageQuerySchema, problemAnswers } from '../../platform/http/schemas.ts'

// What the admin routes of partners, policies, shares and events have in common.

const PATH = '/admin/v1/applications/{id}/identity'
const MAX_ITEM_CHARS = 128
const MAX_REASON_CHARS = 500
/** Names of what is a time in a record: milliseconds there, ISO 8601 in an answer. */
const TIME = /(At|Until|From|Before|After)$/

const documented = { tags: ['Identity'], security: [{ bearer: [] }] }
const params = z.object({ id: applicationIdSchema })
/** `{item}` is whatever the path before it names: a partner, a policy, a share. */
const itemParams = params.extend({ item: z.string().min(1).max(MAX_ITEM_CHARS) })
export const reasonSchema = z.strictObject({ reason: z.string().trim().min(1).max(MAX_REASON_CHARS) })

/** `GET …/identity/PATH`: a page of them, for whoever may read. */
export function listRoute<const Path extends string, Item extends z.ZodType, Query extends z.ZodRawShape>(
  path: Path,
  summary: string,
  item: Item,
  query: Query,
) {
  return createRoute({
    ...{
      method: 'get',
      path: `${PATH}${path}`,
      ...documented,
      summary,
      middleware: [requirePermission('read')],
    },
    request: { params, query: pageQuerySchema.extend(query) },
    responses: { 200: { description: 'By id', content: page(item) }, ...problemAnswers(400, 401, 403, 404) },
  } as const)
}

/** `GET …/identity/PATH/{item}`. */
export function showRoute<const Path extends string, Item extends z.ZodType>(
  path: Path,
  summary: string,
  item: Item,
) {
  return createRoute({
    ...{
      method: 'get',
      path: `${PATH}${path}`,
      ...documented,
      summary,
      middleware: [requirePermission('read')],
    },
    request: { params: itemParams },
    responses: { 200: { description: summary, content: json(item) }, ...problemAnswers(401, 403, 404) },
  } as const)
}

/** `POST …/identity/PATH`, for whoever manages partners. */
export function makeRoute<const Path extends string, Body extends z.ZodType, Item extends z.ZodType>(
  path: Path,
  summary: string,
  given: Body,
  item: Item,
) {
  return createRoute({
    ...{ method: 'post', path: `${PATH}${path}`, ...documented, summary },
    middleware: [requirePermission('manage-partners')],
    request: { params, body: body(given) },
    responses: {
      200: { description: summary, content: json(item) },
      ...problemAnswers(400, 401, 403, 404, 409),
    },
  } as const)
}

/** `POST …/identity/PATH/{item}/…`, for whoever manages partners. */
export function changeRoute<const Path extends string, Body extends z.ZodType, Item extends z.ZodType>(
  path: Path,
  summary: string,
  given: Body,
  item: Item,
) {
  return createRoute({
    ...{ method: 'post', path: `${PATH}${path}`, ...documented, summary },
    middleware: [requirePermission('manage-partners')],
    request: { params: itemParams, body: body(given) },
    responses: {
      200: { description: summary, content: json(item) },
      ...problemAnswers(400, 401, 403, 404, 409),
    },
  } as const)
}

/** What an answer shows of a record: the schema's members and no others, times as ISO 8601. */
export function shown<Schema extends z.ZodObject>(schema: Schema, record: object): z.infer<Schema> {
  const entries = Object.keys(schema.shape).map((name) => {
    const value = (record as Record<string, unknown>)[name]
    return [name, typeof value === 'number' && TIME.test(name) ? new Date(value).toISOString() : value]
  })
  return Object.fromEntries(entries) as z.infer<Schema>
}

interface Lister<T> {
  list(equal: Partial<T>, page: { readonly after?: string | undefined; readonly limit: number }): Promise<T[]>
}

/** One page of records by id. */
export async function listPage<T extends { readonly id: string }, Schema extends z.ZodObject>(
  records: Lister<T>,
  schema: Schema,
  equal: { readonly [Name in keyof T]?: T[Name] | undefined },
  { cursor, limit }: { readonly cursor?: string | undefined; readonly limit: number },
) {
  const [after] = cursor === undefined ? [] : decodeCursor(cursor, 'text')
  const filter = Object.fromEntries(Object.entries(equal).filter(([, value]) => value !== undefined))
  const found = await records.list(filter as Partial<T>, { after, limit: limit + 1 })
  const items = found.slice(0, limit)
  const last = items.at(-1)
  return {
    items: items.map((record) => shown(schema, record)),
    nextCursor: found.length > limit && last !== undefined ? encodeCursor([last.id]) : null,
  }
}
