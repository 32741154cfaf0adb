import type { OpenAPIHono } from '@hono/zod-openapi'
import { createRoute, z } from '@hono/zod-openapi'
import { KeyhavenError } from '@keyhaven/crypto'
import { problemAnswers, timeSchema } from '../http/schemas.ts'
import { requirePermission } from './authenticate.ts'
import type { AdminEnv } from './principal.ts'
import { ROLES } from './roles.ts'
import type { ApiToken, TokenStore } from './token-store.ts'

const MAX_NAME_CHARS = 64

const tokenSchema = z
  .object({
    id: z.uuid(),
    name: z.string(),
    roles: z.array(z.enum(ROLES)),
    createdAt: timeSchema,
    expiresAt: timeSchema.nullable(),
    lastUsedAt: timeSchema.nullable(),
  })
  .openapi('ApiToken')

const newTokenSchema = z
  .strictObject({
    name: z
      .string()
      .max(MAX_NAME_CHARS)
      .regex(/^[A-Za-z0-9][A-Za-z0-9._-]*$/, 'letters, digits, ".", "_" and "-"'),
    roles: z.array(z.enum(ROLES)).min(1).max(ROLES.length),
    expiresAt: timeSchema.optional(),
  })
  .openapi('NewApiToken')

const tags = ['Tokens']
const security = [{ bearer: [] }]

export const tokenRoutes = {
  list: createRoute({
    method: 'get',
    path: '/admin/v1/tokens',
    tags,
    security,
    summary: 'List API tokens',
    middleware: [requirePermission('read-tokens')],
    responses: {
      200: {
        description: 'Newest first, without their values',
        content: { 'application/json': { schema: z.object({ items: z.array(tokenSchema) }) } },
      },
      ...problemAnswers(401, 403),
    },
  }),
  create: createRoute({
    method: 'post',
    path: '/admin/v1/tokens',
    tags,
    security,
    summary: 'Make an API token',
    middleware: [requirePermission('administer')],
    request: { body: { required: true, content: { 'application/json': { schema: newTokenSchema } } } },
    responses: {
      201: {
        description: 'The token, shown this once',
        content: { 'application/json': { schema: tokenSchema.extend({ token: z.string() }) } },
      },
      ...problemAnswers(400, 401, 403, 409),
    },
  }),
  remove: createRoute({
    method: 'delete',
    path: '/admin/v1/tokens/{id}',
    tags,
    security,
    summary: 'Delete an API token and end its sessions',
    middleware: [requirePermission('administer')],
    request: { params: z.object({ id: z.uuid() }) },
    responses: { 204: { description: 'Deleted' }, ...problemAnswers(400, 401, 403, 404) },
  }),
}

export function addTokenRoutes(app: OpenAPIHono<AdminEnv>, tokens: TokenStore, clock: () => number): void {
  app.openapi(tokenRoutes.list, async (c) => c.json({ items: (await tokens.list()).map(tokenJson) }, 200))

  app.openapi(tokenRoutes.create, async (c) => {
    const { name, roles, expiresAt } = c.req.valid('json')
    const end = expiresAt === undefined ? null : Date.parse(expiresAt)
    if (end !== null && end <= clock()) throw new KeyhavenError('INPUT_INVALID', 'expiresAt: must lie ahead')
    const made = await tokens.create(
      { name, roles: [...new Set(roles)], expiresAt: end },
      c.var.principal.actor,
    )
    return c.json({ ...tokenJson(made.item), token: made.token }, 201)
  })

  app.openapi(tokenRoutes.remove, async (c) => {
    await tokens.delete(c.req.valid('param').id, c.var.principal.actor)
    return c.body(null, 204)
  })
}

function tokenJson(token: ApiToken) {
  return {
    id: token.id,
    name: token.name,
    roles: [...token.roles],
    createdAt: new Date(token.createdAt).toISOString(),
    expiresAt: isoOrNull(token.expiresAt),
    lastUsedAt: isoOrNull(token.lastUsedAt),
  }
}

function isoOrNull(time: number | null): string | null {
  return time === null ? null : new Date(time).toISOString()
}
