import type { OpenAPIHono } from '@hono/zod-openapi'
import { createRoute, z } from '@hono/zod-openapi'
import { applicationIdSchema } from '../applications/application-routes.ts'
import type { AuditFilter, AuditLog } from '../platform/audit/audit-log.ts'
import { requirePermission } from '../platform/auth/authenticate.ts'
import type { AdminEnv } from '../platform/auth/principal.ts'
import { pageQuerySchema, problemAnswers, timeSchema } from '../platform/http/schemas.ts'

const MAX_FILTER_CHARS = 300

const entrySchema = z
  .object({
    sequence: z.int(),
    at: timeSchema,
    actor: z.string(),
    action: z.string().openapi({ example: 'key.revoke' }),
    applicationId: z.string().nullable(),
    subject: z.string().nullable(),
    detail: z.record(z.string(), z.any()),
    hash: z.string().openapi({ description: 'Hex, 32 bytes; covers the entry and the one before' }),
  })
  .openapi('AuditEntry')

const tags = ['Audit log']
const security = [{ bearer: [] }]
const middleware = [requirePermission('read-audit')]
const jsonAnswer = <Schema extends z.ZodType>(description: string, schema: Schema) => ({
  description,
  content: { 'application/json': { schema } },
})

export const auditRoutes = {
  list: createRoute({
    method: 'get',
    path: '/admin/v1/audit',
    tags,
    security,
    summary: 'Read the audit log',
    middleware,
    request: {
      query: pageQuerySchema.extend({
        action: z.string().max(MAX_FILTER_CHARS).optional(),
        actor: z.string().max(MAX_FILTER_CHARS).optional(),
        applicationId: applicationIdSchema.optional(),
        from: timeSchema.optional(),
        to: timeSchema.optional(),
      }),
    },
    responses: {
      200: jsonAnswer(
        'Newest first',
        z.object({ items: z.array(entrySchema), nextCursor: z.string().nullable() }),
      ),
      ...problemAnswers(400, 401, 403),
    },
  }),
  verify: createRoute({
    method: 'get',
    path: '/admin/v1/audit/verify',
    tags,
    security,
    summary: 'Recompute every hash of the audit log',
    middleware,
    responses: {
      200: jsonAnswer(
        'Whether the chain holds',
        z.object({
          valid: z.boolean(),
          entries: z.int(),
          head: z.object({ sequence: z.int(), hash: z.string() }),
          brokenAt: z.int().optional(),
          reason: z.string().optional(),
        }),
      ),
      ...problemAnswers(401, 403),
    },
  }),
  actions: createRoute({
    method: 'get',
    path: '/admin/v1/audit/actions',
    tags,
    security,
    summary: 'Names of all actions that occur',
    middleware,
    responses: {
      200: jsonAnswer('By name', z.object({ items: z.array(z.string()) })),
      ...problemAnswers(401, 403),
    },
  }),
}

export function addAuditRoutes(app: OpenAPIHono<AdminEnv>, audit: AuditLog): void {
  app.openapi(auditRoutes.list, async (c) => {
    const { cursor, limit, action, actor, applicationId, from, to } = c.req.valid('query')
    const filter: AuditFilter = {
      ...(action === undefined ? {} : { action }),
      ...(actor === undefined ? {} : { actor }),
      ...(applicationId === undefined ? {} : { applicationId }),
      ...(from === undefined ? {} : { from: Date.parse(from) }),
      ...(to === undefined ? {} : { to: Date.parse(to) }),
    }
    const page = await audit.list(filter, { limit, ...(cursor === undefined ? {} : { cursor }) })
    const items = page.items.map((entry) => ({
      ...entry,
      at: new Date(entry.at).toISOString(),
      detail: { ...entry.detail },
    }))
    return c.json({ items, nextCursor: page.nextCursor }, 200)
  })

  app.openapi(auditRoutes.verify, async (c) => {
    const verdict = await audit.verify({ signal: c.req.raw.signal })
    return c.json({ ...verdict, head: { ...verdict.head } }, 200)
  })

  app.openapi(auditRoutes.actions, async (c) => c.json({ items: [...(await audit.actions())] }, 200))
}
