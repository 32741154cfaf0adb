import type { OpenAPIHono } from '@hono/zod-openapi'
import { createRoute, z } from '@hono/zod-openapi'
import { KeyhavenError } from '@keyhaven/crypto'
import { VID_TYPES } from '@keyhaven/identity'
import type { IdentityRepository } from '@keyhaven/identity/service'
import { applicationIdSchema } from '../../applications/application-routes.ts'
import { requirePermission } from '../../platform/auth/authenticate.ts'
import type { AdminEnv } from '../../platform/auth/principal.ts'
import { decodeCursor, encodeCursor } from '../../platform/http/page-cursor.ts'
import { body, json, page, pageQuerySchema, problemAnswers } from '../../platform/http/schemas.ts'
import {
  countsSchema,
  identityJson,
  identitySchema,
  registrationDetailSchema,
  registrationSchema,
  stageSchema,
  vidJson,
  vidSchema,
} from './admin-registration-json.ts'
import { eventJson, registrationJson } from './registration-routes.ts'
import type { Registrations } from './registrations.ts'

const PATH = '/admin/v1/applications/{id}/identity/registrations'
const documented = { tags: ['Identity'], security: [{ bearer: [] }] }
const params = z.object({ id: applicationIdSchema })
const one = params.extend({ rid: z.string().regex(/^[A-Za-z0-9_]{1,64}$/, 'a registration id') })
const reads = [requirePermission('read-registrations')]
const manages = [requirePermission('manage-registrations')]
// Numbers of people are for nobody else.
const administers = [requirePermission('administer')]

export const adminRegistrationRoutes = {
  list: createRoute({
    method: 'get',
    path: PATH,
    ...documented,
    summary: 'List registrations and their stages: nothing of the people',
    middleware: reads,
    request: { params, query: pageQuerySchema.extend({ stage: stageSchema.optional() }) },
    responses: {
      200: { description: 'Newest change first', content: page(registrationSchema) },
      ...problemAnswers(400, 401, 403, 404),
    },
  }),
  counts: createRoute({
    method: 'get',
    path: `${PATH}/counts`,
    ...documented,
    summary: 'How many registrations are in which stage',
    middleware: reads,
    request: { params },
    responses: {
      200: { description: 'Each stage', content: json(countsSchema) },
      ...problemAnswers(401, 403, 404),
    },
  }),
  show: createRoute({
    method: 'get',
    path: `${PATH}/{rid}`,
    ...documented,
    summary: 'A registration and its history',
    middleware: reads,
    request: { params: one },
    responses: {
      200: { description: 'Oldest event first', content: json(registrationDetailSchema) },
      ...problemAnswers(400, 401, 403, 404),
    },
  }),
  identity: createRoute({
    method: 'get',
    path: `${PATH}/{rid}/identity`,
    ...documented,
    summary: 'State of the identity that a registration made',
    middleware: reads,
    request: { params: one },
    responses: {
      200: { description: 'Without number and data', content: json(identitySchema) },
      ...problemAnswers(400, 401, 403, 404),
    },
  }),
  setStatus: createRoute({
    method: 'post',
    path: `${PATH}/{rid}/identity/status`,
    ...documented,
    summary: 'Block, deactivate or activate an identity',
    middleware: manages,
    request: {
      params: one,
      body: body(z.strictObject({ status: z.enum(['ACTIVATED', 'BLOCKED', 'DEACTIVATED']) })),
    },
    responses: {
      200: { description: 'As it is now', content: json(identitySchema) },
      ...problemAnswers(400, 401, 403, 404, 502),
    },
  }),
  vids: createRoute({
    method: 'get',
    path: `${PATH}/{rid}/vids`,
    ...documented,
    summary: 'Active VIDs of a person; audited',
    middleware: administers,
    request: { params: one },
    responses: {
      200: { description: 'Oldest first', content: json(z.object({ items: z.array(vidSchema) })) },
      ...problemAnswers(400, 401, 403, 404),
    },
  }),
  createVid: createRoute({
    method: 'post',
    path: `${PATH}/{rid}/vids`,
    ...documented,
    summary: 'Make a VID of a person',
    middleware: administers,
    request: { params: one, body: body(z.strictObject({ type: z.enum(VID_TYPES) })) },
    responses: {
      201: { description: 'With its number', content: json(vidSchema) },
      ...problemAnswers(400, 401, 403, 404, 409),
    },
  }),
  revokeVid: createRoute({
    method: 'post',
    path: `${PATH}/{rid}/vids/revocation`,
    ...documented,
    summary: 'Revoke a VID, for ever; its number is in no path, and so in no log',
    middleware: administers,
    request: {
      params: one,
      body: body(z.strictObject({ vid: z.string().regex(/^\d{16}$/, 'a VID') })),
    },
    responses: { 204: { description: 'Revoked' }, ...problemAnswers(400, 401, 403, 404, 502) },
  }),
}

export interface AdminRegistrationParts {
  /** The one application whose people are registered here. */
  readonly applicationId: string
  readonly registrations: Registrations
  readonly repository: IdentityRepository
}

export function addAdminRegistrationRoutes(app: OpenAPIHono<AdminEnv>, parts: AdminRegistrationParts): void {
  const { registrations, repository } = parts

  const found = async ({ id, rid }: z.infer<typeof one>) => {
    requireApplication(parts.applicationId, id)
    const registration = await registrations.find(rid)
    if (registration === undefined) throw new KeyhavenError('NOT_FOUND', 'there is no such registration')
    return registration
  }
  /** Operators name a person by the registration; the number itself stays inside. */
  const uinOf = async (named: z.infer<typeof one>) => {
    const { rid, record } = await found(named)
    return record === null ? repository.uinOf(rid) : repository.uinOfRecord(record)
  }

  app.openapi(adminRegistrationRoutes.list, async (c) => {
    requireApplication(parts.applicationId, c.req.valid('param').id)
    const { cursor, limit, stage } = c.req.valid('query')
    const [at, rid] = cursor === undefined ? [] : decodeCursor(cursor, 'number', 'text')
    const before = at === undefined || rid === undefined ? undefined : { at, rid }
    const rows = await registrations.list({ stage, before, limit: limit + 1 })
    const items = rows.slice(0, limit)
    const last = items.at(-1)
    const nextCursor = rows.length > limit ? encodeCursor([last!.changedAt, last!.rid]) : null
    return c.json({ items: items.map(registrationJson), nextCursor }, 200)
  })

  app.openapi(adminRegistrationRoutes.counts, async (c) => {
    requireApplication(parts.applicationId, c.req.valid('param').id)
    const counted = await registrations.counts()
    const counts = Object.fromEntries(stageSchema.options.map((stage) => [stage, counted.get(stage) ?? 0]))
    return c.json({ counts: counts as Record<(typeof stageSchema.options)[number], number> }, 200)
  })

  app.openapi(adminRegistrationRoutes.show, async (c) => {
    const registration = await found(c.req.valid('param'))
    const history = (await registrations.history(registration.rid)).map(eventJson)
    return c.json(
      { ...registrationJson(registration), history } as z.infer<typeof registrationDetailSchema>,
      200,
    )
  })

  app.openapi(adminRegistrationRoutes.identity, async (c) => {
    const summary = await repository.summary(await uinOf(c.req.valid('param')), 'UIN')
    return c.json(identityJson(summary), 200)
  })

  app.openapi(adminRegistrationRoutes.setStatus, async (c) => {
    const uin = await uinOf(c.req.valid('param'))
    const { status } = c.req.valid('json')
    return c.json(identityJson(await repository.setStatus(uin, 'UIN', status, c.var.principal.actor)), 200)
  })

  app.openapi(adminRegistrationRoutes.vids, async (c) => {
    const vids = await repository.vids(await uinOf(c.req.valid('param')), c.var.principal.actor)
    return c.json({ items: vids.map(vidJson) }, 200)
  })

  app.openapi(adminRegistrationRoutes.createVid, async (c) => {
    const uin = await uinOf(c.req.valid('param'))
    const made = await repository.createVid(uin, c.req.valid('json').type, c.var.principal.actor)
    return c.json(vidJson(made), 201)
  })

  app.openapi(adminRegistrationRoutes.revokeVid, async (c) => {
    const { vid } = c.req.valid('json')
    const uin = await uinOf(c.req.valid('param'))
    const own = await repository.summary(uin, 'UIN')
    const { record } = await repository.summary(vid, 'VID')
    if (record !== own.record) throw new KeyhavenError('NOT_FOUND', 'there is no such VID')
    await repository.revokeVid(vid, c.var.principal.actor)
    return c.body(null, 204)
  })
}

/** @throws KeyhavenError `NOT_FOUND`: the identity capability serves one application. */
export function requireApplication(own: string, named: string): void {
  if (own !== named) throw new KeyhavenError('NOT_FOUND', 'there is no such application with identities')
}
