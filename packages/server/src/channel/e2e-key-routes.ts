import type { OpenAPIHono } from '@hono/zod-openapi'
import { createRoute, z } from '@hono/zod-openapi'
import { KeyhavenError } from '@keyhaven/crypto'
import type { KeySchedule, ManagedE2eKey } from '@keyhaven/keys'
import { applicationIdSchema } from '../applications/application-routes.ts'
import type { ApplicationService } from '../applications/application-service.ts'
import { suiteInputSchema, suiteOfInput } from '../applications/suite-schema.ts'
import { requirePermission } from '../platform/auth/authenticate.ts'
import type { AdminEnv } from '../platform/auth/principal.ts'
import { problemAnswers, timeSchema } from '../platform/http/schemas.ts'
import type { State } from '../platform/state/state.ts'
import { e2eKeyJson, e2eKeySchema } from './e2e-key-json.ts'
import type { UsageStore } from './usage-store.ts'

const MAX_REASON_CHARS = 500
const MAX_KEY_CHARS = 36

const keyParamsSchema = z.object({
  id: applicationIdSchema,
  key: z
    .string()
    .max(MAX_KEY_CHARS)
    .regex(/^(?:[0-9]{1,3}|[0-9a-f-]{36})$/, 'the UUID of a key, or the key id of a live one')
    .openapi({ description: 'The UUID of a key, or the decimal key id of a live one' }),
})

const newKeySchema = z
  .strictObject({
    suite: suiteInputSchema.optional(),
    activateAt: timeSchema.optional(),
    endAt: timeSchema.optional(),
  })
  .openapi('NewE2eKey')

const scheduleSchema = z
  .strictObject({ activateAt: timeSchema.optional(), endAt: timeSchema.nullable().optional() })
  .openapi('KeySchedule')

const revocationSchema = z
  .strictObject({
    reason: z.string().trim().min(1).max(MAX_REASON_CHARS),
    force: z.boolean().optional().openapi({ description: 'Also when it is the last live key' }),
  })
  .openapi('KeyRevocation')

const tags = ['E2E keys']
const security = [{ bearer: [] }]
const path = '/admin/v1/applications/{id}/e2e-keys'
const keyAnswer = (description: string) => ({
  description,
  content: { 'application/json': { schema: e2eKeySchema } },
})
const jsonBody = <Schema extends z.ZodType>(schema: Schema, required = true) => ({
  required,
  content: { 'application/json': { schema } },
})

export const e2eKeyRoutes = {
  add: createRoute({
    method: 'post',
    path,
    tags,
    security,
    summary: 'Add E2E key',
    middleware: [requirePermission('manage-keys')],
    request: { params: z.object({ id: applicationIdSchema }), body: jsonBody(newKeySchema) },
    responses: { 201: keyAnswer('Added'), ...problemAnswers(400, 401, 403, 404, 409) },
  }),
  list: createRoute({
    method: 'get',
    path,
    tags,
    security,
    summary: 'Get E2E keys',
    middleware: [requirePermission('read')],
    request: { params: z.object({ id: applicationIdSchema }) },
    responses: {
      200: {
        description: 'Newest first, revoked ones too',
        content: { 'application/json': { schema: z.object({ items: z.array(e2eKeySchema) }) } },
      },
      ...problemAnswers(401, 403, 404),
    },
  }),
  get: createRoute({
    method: 'get',
    path: `${path}/{key}`,
    tags,
    security,
    summary: 'Get E2E key',
    middleware: [requirePermission('read')],
    request: { params: keyParamsSchema },
    responses: { 200: keyAnswer('The key'), ...problemAnswers(400, 401, 403, 404) },
  }),
  schedule: createRoute({
    method: 'patch',
    path: `${path}/{key}`,
    tags,
    security,
    summary: 'Plan when a key becomes active, or ends',
    middleware: [requirePermission('manage-keys')],
    request: { params: keyParamsSchema, body: jsonBody(scheduleSchema) },
    responses: { 200: keyAnswer('Planned'), ...problemAnswers(400, 401, 403, 404, 409) },
  }),
  revoke: createRoute({
    method: 'post',
    path: `${path}/{key}/revoke`,
    tags,
    security,
    summary: 'Revoke a key for ever',
    middleware: [requirePermission('manage-keys')],
    request: { params: keyParamsSchema, body: jsonBody(revocationSchema) },
    responses: { 200: keyAnswer('Revoked, or it was already'), ...problemAnswers(400, 401, 403, 404, 409) },
  }),
}

export interface E2eKeyRouteParts {
  readonly state: State
  readonly applications: ApplicationService
  readonly usage: UsageStore
}

export function addE2eKeyRoutes(app: OpenAPIHono<AdminEnv>, parts: E2eKeyRouteParts): void {
  const { state, applications, usage } = parts

  const answer = async (key: ManagedE2eKey) => {
    const lastUsed = await usage.keysLastUsed(key.applicationId)
    return e2eKeyJson(key, lastUsed.get(key.id) ?? null)
  }

  app.openapi(e2eKeyRoutes.add, async (c) => {
    const application = await applications.get(c.req.valid('param').id)
    const { suite, activateAt, endAt } = c.req.valid('json')
    const key = await state.keys.addE2eKey(
      {
        applicationId: application.id,
        suite: suiteOfInput(suite) ?? application.defaultSuite,
        ...(activateAt === undefined ? {} : { activateAt: Date.parse(activateAt) }),
        ...(endAt === undefined ? {} : { endAt: Date.parse(endAt) }),
      },
      { actor: c.var.principal.actor },
    )
    return c.json(await answer(key), 201)
  })

  app.openapi(e2eKeyRoutes.list, async (c) => {
    const { id } = await applications.get(c.req.valid('param').id)
    const lastUsed = await usage.keysLastUsed(id)
    const keys = await state.keys.listE2eKeys(id)
    return c.json(
      { items: await Promise.all(keys.map((k) => e2eKeyJson(k, lastUsed.get(k.id) ?? null))) },
      200,
    )
  })

  app.openapi(e2eKeyRoutes.get, async (c) => {
    const { id, key: name } = c.req.valid('param')
    await applications.get(id)
    const key = await state.keys.getE2eKey(id, name)
    if (!key) throw new KeyhavenError('NOT_FOUND', 'the application has no such key')
    return c.json(await answer(key), 200)
  })

  app.openapi(e2eKeyRoutes.schedule, async (c) => {
    const { id, key } = c.req.valid('param')
    await applications.get(id)
    const { activateAt, endAt } = c.req.valid('json')
    if (activateAt === undefined && endAt === undefined) {
      throw new KeyhavenError('INPUT_INVALID', 'name activateAt, endAt, or both')
    }
    const schedule: KeySchedule = {
      ...(activateAt === undefined ? {} : { activateAt: Date.parse(activateAt) }),
      ...(endAt === undefined ? {} : { endAt: endAt === null ? null : Date.parse(endAt) }),
    }
    return c.json(
      await answer(await state.keys.schedule(id, key, schedule, { actor: c.var.principal.actor })),
      200,
    )
  })

  app.openapi(e2eKeyRoutes.revoke, async (c) => {
    const { id, key } = c.req.valid('param')
    await applications.get(id)
    const { reason, force = false } = c.req.valid('json')
    const revoked = await state.keys.revoke(id, key, { reason, force }, { actor: c.var.principal.actor })
    return c.json(await answer(revoked), 200)
  })
}
