import type { OpenAPIHono } from '@hono/zod-openapi'
import { createRoute, z } from '@hono/zod-openapi'
import { PROFILES } from '@keyhaven/identity/names'
import { requirePermission } from '../platform/auth/authenticate.ts'
import type { AdminEnv } from '../platform/auth/principal.ts'
import { ROLES_OF_A_SERVER } from '../platform/config/identity-settings.ts'
import { problemAnswers, timeSchema } from '../platform/http/schemas.ts'

const identitySchema = z
  .object({
    role: z.enum(ROLES_OF_A_SERVER),
    profile: z.enum(PROFILES),
    applicationId: z.string().openapi({ description: 'Whose people and partners this process serves' }),
    matcher: z.string().nullable().openapi({ description: 'What compares biometrics, if this role does' }),
  })
  .openapi('IdentityStatus')

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
    identity: identitySchema.nullable().openapi({ description: 'Null: the identity capability is off' }),
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
