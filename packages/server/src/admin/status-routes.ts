import type { OpenAPIHono } from '@hono/zod-openapi'
import { createRoute, z } from '@hono/zod-openapi'
import { requirePermission } from '../platform/auth/authenticate.ts'
import type { AdminEnv } from '../platform/auth/principal.ts'
import { problemAnswers, timeSchema } from '../platform/http/schemas.ts'

const statusSchema = z
  .object({
    version: z.string(),
    startedAt: timeSchema,
    node: z.string(),
    database: z.enum(['sqlite', 'postgres']),
    replay: z.enum(['memory', 'database', 'redis']),
    workers: z.int(),
    oidc: z.boolean(),
    publicUrl: z.string().openapi({ description: 'Where apps send their sealed calls' }),
  })
  .openapi('Status')

export type ServerStatus = z.infer<typeof statusSchema>

export const statusRoutes = {
  status: createRoute({
    method: 'get',
    path: '/admin/v1/status',
    tags: ['Server'],
    security: [{ bearer: [] }],
    summary: 'Version and set-up of the server',
    middleware: [requirePermission('read')],
    responses: {
      200: { description: 'The server', content: { 'application/json': { schema: statusSchema } } },
      ...problemAnswers(401, 403),
    },
  }),
}

export function addStatusRoutes(app: OpenAPIHono<AdminEnv>, status: ServerStatus): void {
  app.openapi(statusRoutes.status, (c) => c.json(status, 200))
}
