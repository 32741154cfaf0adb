import type { OpenAPIHono } from '@hono/zod-openapi'
import { createRoute, z } from '@hono/zod-openapi'
import { requirePermission } from '../platform/auth/authenticate.ts'
import type { AdminEnv } from '../platform/auth/principal.ts'
import { pageQuerySchema, problemAnswers, timeSchema } from '../platform/http/schemas.ts'
import type { Application } from './application.ts'
import { APPLICATION_ID_PATTERN } from './application.ts'
import type { ApplicationService } from './application-service.ts'
import { suiteInputSchema, suiteOfInput, suiteSchema } from './suite-schema.ts'

const MAX_NAME_CHARS = 100
const MAX_SEARCH_CHARS = 100
const MAX_ROOT_THUMBPRINTS = 8

export const applicationIdSchema = z
  .string()
  .regex(APPLICATION_ID_PATTERN, 'lower-case letters, digits and "-", at most 63')
  .openapi({ example: 'demo' })

export const thumbprintSchema = z
  .string()
  .regex(/^[A-Za-z0-9_-]{43}$/, 'an RFC 7638 thumbprint: SHA-256, base64url')

const applicationSchema = z
  .object({
    id: applicationIdSchema,
    name: z.string(),
    createdAt: timeSchema,
    isDefault: z.boolean(),
    suite: suiteSchema,
    trust: z.object({
      mode: z.enum(['online', 'offline']),
      rootThumbprints: z.array(thumbprintSchema),
      epoch: z.int(),
      sequence: z.int(),
      delegationExpiresAt: timeSchema.nullable(),
    }),
    keyCounts: z.object({ pending: z.int(), active: z.int(), retiring: z.int(), revoked: z.int() }),
  })
  .openapi('Application')

const newApplicationSchema = z
  .strictObject({
    id: applicationIdSchema,
    name: z.string().trim().min(1).max(MAX_NAME_CHARS).optional(),
    suite: suiteInputSchema.optional(),
    rootThumbprints: z
      .array(thumbprintSchema)
      .min(1)
      .max(MAX_ROOT_THUMBPRINTS)
      .optional()
      .openapi({ description: 'Root keys that are kept elsewhere; without them the server makes its own' }),
  })
  .openapi('NewApplication')

const tags = ['Applications']
const security = [{ bearer: [] }]
const applicationAnswer = (description: string) => ({
  description,
  content: { 'application/json': { schema: applicationSchema } },
})

export const applicationRoutes = {
  create: createRoute({
    method: 'post',
    path: '/admin/v1/applications',
    tags,
    security,
    summary: 'Make an application, with its first key',
    middleware: [requirePermission('manage-keys')],
    request: { body: { required: true, content: { 'application/json': { schema: newApplicationSchema } } } },
    responses: { 201: applicationAnswer('Made'), ...problemAnswers(400, 401, 403, 409) },
  }),
  list: createRoute({
    method: 'get',
    path: '/admin/v1/applications',
    tags,
    security,
    summary: 'List applications',
    middleware: [requirePermission('read')],
    request: { query: pageQuerySchema.extend({ q: z.string().max(MAX_SEARCH_CHARS).optional() }) },
    responses: {
      200: {
        description: 'By id',
        content: {
          'application/json': {
            schema: z.object({ items: z.array(applicationSchema), nextCursor: z.string().nullable() }),
          },
        },
      },
      ...problemAnswers(400, 401, 403),
    },
  }),
  get: createRoute({
    method: 'get',
    path: '/admin/v1/applications/{id}',
    tags,
    security,
    summary: 'Get an application',
    middleware: [requirePermission('read')],
    request: { params: z.object({ id: applicationIdSchema }) },
    responses: { 200: applicationAnswer('The application'), ...problemAnswers(400, 401, 403, 404) },
  }),
}

export function addApplicationRoutes(app: OpenAPIHono<AdminEnv>, applications: ApplicationService): void {
  app.openapi(applicationRoutes.create, async (c) => {
    const { id, name, suite, rootThumbprints } = c.req.valid('json')
    const made = await applications.create(
      { id, name, suite: suiteOfInput(suite), rootThumbprints },
      c.var.principal.actor,
    )
    return c.json(applicationJson(made), 201)
  })

  app.openapi(applicationRoutes.list, async (c) => {
    const { items, nextCursor } = await applications.list(c.req.valid('query'))
    return c.json({ items: items.map(applicationJson), nextCursor }, 200)
  })

  app.openapi(applicationRoutes.get, async (c) =>
    c.json(applicationJson(await applications.get(c.req.valid('param').id)), 200),
  )
}

function applicationJson(application: Application) {
  const { trust } = application
  return {
    id: application.id,
    name: application.name,
    createdAt: new Date(application.createdAt).toISOString(),
    isDefault: application.isDefault,
    suite: application.defaultSuite,
    trust: {
      mode: trust.mode,
      rootThumbprints: [...trust.rootThumbprints],
      epoch: trust.epoch,
      sequence: trust.sequence,
      delegationExpiresAt:
        trust.delegationExpiresAt === null ? null : new Date(trust.delegationExpiresAt).toISOString(),
    },
    keyCounts: application.keyCounts,
  }
}
