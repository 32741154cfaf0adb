import type { OpenAPIHono } from '@hono/zod-openapi'
import { createRoute, z } from '@hono/zod-openapi'
import { KeyhavenError, utf8 } from '@keyhaven/crypto'
import { fromAnyBase64 } from '@keyhaven/identity'
import { applicationIdSchema } from '../../applications/application-routes.ts'
import { requirePermission } from '../../platform/auth/authenticate.ts'
import type { AdminEnv } from '../../platform/auth/principal.ts'
import { body, json, page, pageQuerySchema, problemAnswers } from '../../platform/http/schemas.ts'
import type { Jobs } from '../../platform/jobs/jobs.ts'
import type { State } from '../../platform/state/state.ts'
import {
  centreJson,
  centreSchema,
  deadJobJson,
  deadJobSchema,
  keptSchemaJson,
  keptSchemaSchema,
  machineJson,
  machineSchema,
  officerJson,
  officerSchema,
  queueJson,
  queueSchema,
} from './admin-registration-json.ts'
import { requireApplication } from './admin-registration-routes.ts'
import type { IdSchemas } from './id-schemas.ts'
import type { Stations } from './stations.ts'

const PATH = '/admin/v1/applications/{id}/identity'
const MAX_NAME_CHARS = 128
const MAX_KEY_CHARS = 2_048
const documented = { tags: ['Identity'], security: [{ bearer: [] }] }
const params = z.object({ id: applicationIdSchema })
/** As they stand in a registration id: five digits in MOSIP. */
const stationId = z.string().regex(/^[A-Za-z0-9]{1,16}$/, 'letters and digits, at most 16')
const centreParams = params.extend({ centre: stationId })
const machineParams = centreParams.extend({ machine: stationId })
const officerId = z.string().min(1).max(MAX_NAME_CHARS)
const officerParams = params.extend({ officer: officerId })
const jobParams = params.extend({ job: z.string().regex(/^[0-9a-f]{32}$/, 'id of a job') })
const reads = [requirePermission('read-registrations')]
const administers = [requirePermission('administer')]

const list = <Schema extends z.ZodType>(path: string, summary: string, schema: Schema) =>
  createRoute({
    method: 'get',
    path: `${PATH}/${path}`,
    ...documented,
    summary,
    middleware: reads,
    request: { params },
    responses: {
      200: { description: 'All', content: json(z.object({ items: z.array(schema) })) },
      ...problemAnswers(401, 403, 404),
    },
  })

const ending = <Params extends z.ZodObject>(path: string, summary: string, named: Params) =>
  createRoute({
    method: 'post',
    path: `${PATH}/${path}`,
    ...documented,
    summary,
    middleware: administers,
    request: { params: named },
    responses: { 204: { description: 'Done' }, ...problemAnswers(400, 401, 403, 404) },
  })

export const adminStationRoutes = {
  centres: list('centres', 'List registration centres', centreSchema),
  addCentre: createRoute({
    method: 'post',
    path: `${PATH}/centres`,
    ...documented,
    summary: 'Add a registration centre',
    middleware: administers,
    request: {
      params,
      body: body(z.strictObject({ id: stationId, name: z.string().trim().min(1).max(MAX_NAME_CHARS) })),
    },
    responses: {
      201: { description: 'Added', content: json(centreSchema) },
      ...problemAnswers(400, 401, 403, 404, 409),
    },
  }),
  closeCentre: ending(
    'centres/{centre}/close',
    'Close a centre: its machines bring in no more packets',
    centreParams,
  ),
  machines: list('machines', 'List registration machines', machineSchema),
  addMachine: createRoute({
    method: 'post',
    path: `${PATH}/machines`,
    ...documented,
    summary: 'Register a machine with its key K10',
    middleware: administers,
    request: {
      params,
      body: body(
        z.strictObject({
          centre: stationId,
          id: stationId,
          publicKey: z.string().min(1).max(MAX_KEY_CHARS).openapi({
            description: 'SubjectPublicKeyInfo, RSA-2048, Base64; profile keyhaven: a public JWK, JSON',
          }),
        }),
      ),
    },
    responses: {
      201: { description: 'Registered', content: json(machineSchema) },
      ...problemAnswers(400, 401, 403, 404, 409),
    },
  }),
  endMachine: ending('machines/{centre}/{machine}/end', 'Take no more packets of a machine', machineParams),
  officers: list('officers', 'List registration officers', officerSchema),
  addOfficer: createRoute({
    method: 'post',
    path: `${PATH}/officers`,
    ...documented,
    summary: 'Let somebody register people',
    middleware: administers,
    request: { params, body: body(z.strictObject({ officer: officerId })) },
    responses: {
      201: { description: 'From now on', content: json(officerSchema) },
      ...problemAnswers(400, 401, 403, 404, 409),
    },
  }),
  endOfficer: ending('officers/{officer}/end', 'End it: packets made later are rejected', officerParams),
  schemas: list('schemas', 'List ID schemas', keptSchemaSchema),
  addSchema: createRoute({
    method: 'post',
    path: `${PATH}/schemas`,
    ...documented,
    summary: 'Add an ID schema: packets that name its version must follow it, and others are rejected',
    middleware: administers,
    request: {
      params,
      body: body(
        z.strictObject({
          version: z.number().min(0),
          schema: z.record(z.string(), z.unknown()).openapi({ description: 'MOSIP’s ID schema' }),
        }),
      ),
    },
    responses: {
      201: { description: 'Kept, for ever', content: json(keptSchemaSchema) },
      ...problemAnswers(400, 401, 403, 404, 409, 413),
    },
  }),
  jobs: list('jobs', 'How far the queues of jobs are', queueSchema),
  deadJobs: createRoute({
    method: 'get',
    path: `${PATH}/jobs/dead`,
    ...documented,
    summary: 'Jobs that failed too often',
    middleware: reads,
    request: { params, query: pageQuerySchema },
    responses: {
      200: {
        description: 'Oldest first',
        content: page(deadJobSchema),
      },
      ...problemAnswers(400, 401, 403, 404),
    },
  }),
  replayJob: ending('jobs/{job}/replay', 'Try a dead job again', jobParams),
}

export interface AdminStationParts {
  readonly applicationId: string
  readonly state: State
  readonly stations: Stations
  readonly schemas: IdSchemas
  readonly jobs: Jobs
}

/** What operators set up before anybody is registered, and what they look after. */
export function addAdminStationRoutes(app: OpenAPIHono<AdminEnv>, parts: AdminStationParts): void {
  const { applicationId, state, stations, schemas, jobs } = parts
  const require = (id: string) => requireApplication(applicationId, id)

  app.openapi(adminStationRoutes.centres, async (c) => {
    require(c.req.valid('param').id)
    return c.json({ items: (await stations.listCentres()).map(centreJson) }, 200)
  })
  app.openapi(adminStationRoutes.addCentre, async (c) => {
    require(c.req.valid('param').id)
    return c.json(centreJson(await stations.addCentre(c.req.valid('json'), c.var.principal.actor)), 201)
  })
  app.openapi(adminStationRoutes.closeCentre, async (c) => {
    const { id, centre } = c.req.valid('param')
    require(id)
    await stations.closeCentre(centre, c.var.principal.actor)
    return c.body(null, 204)
  })

  app.openapi(adminStationRoutes.machines, async (c) => {
    require(c.req.valid('param').id)
    return c.json({ items: (await stations.listMachines()).map(machineJson) }, 200)
  })
  app.openapi(adminStationRoutes.addMachine, async (c) => {
    require(c.req.valid('param').id)
    const { centre, id, publicKey } = c.req.valid('json')
    const machine = { centre, id, publicKey: decodeKey(publicKey) }
    return c.json(machineJson(await stations.addMachine(machine, c.var.principal.actor)), 201)
  })
  app.openapi(adminStationRoutes.endMachine, async (c) => {
    const { id, centre, machine } = c.req.valid('param')
    require(id)
    await stations.endMachine(centre, machine, c.var.principal.actor)
    return c.body(null, 204)
  })

  app.openapi(adminStationRoutes.officers, async (c) => {
    require(c.req.valid('param').id)
    return c.json({ items: (await stations.listOfficers()).map(officerJson) }, 200)
  })
  app.openapi(adminStationRoutes.addOfficer, async (c) => {
    require(c.req.valid('param').id)
    const added = await stations.addOfficer(c.req.valid('json').officer, c.var.principal.actor)
    return c.json(officerJson(added), 201)
  })
  app.openapi(adminStationRoutes.endOfficer, async (c) => {
    const { id, officer } = c.req.valid('param')
    require(id)
    await stations.endOfficer(officer, c.var.principal.actor)
    return c.body(null, 204)
  })

  app.openapi(adminStationRoutes.schemas, async (c) => {
    require(c.req.valid('param').id)
    return c.json({ items: (await schemas.list()).map(keptSchemaJson) }, 200)
  })
  app.openapi(adminStationRoutes.addSchema, async (c) => {
    require(c.req.valid('param').id)
    const { version, schema } = c.req.valid('json')
    return c.json(keptSchemaJson(await schemas.add(version, schema, c.var.principal.actor)), 201)
  })

  app.openapi(adminStationRoutes.jobs, async (c) => {
    require(c.req.valid('param').id)
    return c.json({ items: (await jobs.progress(applicationId)).map(queueJson) }, 200)
  })
  app.openapi(adminStationRoutes.deadJobs, async (c) => {
    require(c.req.valid('param').id)
    const { cursor: after, limit } = c.req.valid('query')
    const found = await jobs.listDead(applicationId, { after, limit: limit + 1 })
    const items = found.slice(0, limit).map(deadJobJson)
    return c.json({ items, nextCursor: found.length > limit ? items.at(-1)!.id : null }, 200)
  })
  app.openapi(adminStationRoutes.replayJob, async (c) => {
    const { id, job } = c.req.valid('param')
    require(id)
    const { actor } = c.var.principal
    await state.transaction(async (transaction) => {
      if (!(await jobs.replay(transaction, applicationId, job))) {
        throw new KeyhavenError('NOT_FOUND', 'there is no such dead job')
      }
      state.audit.append(transaction, { actor, action: 'identity.job.replay', applicationId, subject: job })
    })
    return c.body(null, 204)
  })
}

/** A JWK, or Base64 with or without the lines of PEM around it. */
function decodeKey(text: string): Uint8Array {
  if (text.trimStart().startsWith('{')) return utf8(text)
  try {
    return fromAnyBase64(text.replace(/-----[A-Z ]+-----|\s/g, ''))
  } catch (cause) {
    throw new KeyhavenError('INPUT_INVALID', 'publicKey: Base64 of a SubjectPublicKeyInfo', { cause })
  }
}
