import { createRoute, type OpenAPIHono, z } from '@hono/zod-openapi'
import { KeyhavenError } from '@keyhaven/crypto'
import { certificateToPem, type IdentityKeyInfo, type IdentityKeys, parseKeyName } from '@keyhaven/identity'
import { applicationIdSchema } from '../../applications/application-routes.ts'
import { requirePermission } from '../../platform/auth/authenticate.ts'
import type { AdminEnv } from '../../platform/auth/principal.ts'
import { decodeCursor, encodeCursor } from '../../platform/http/page-cursor.ts'
import { body, json, page, pageQuerySchema, problemAnswers, timeSchema } from '../../platform/http/schemas.ts'
import type { ManagedKeyPolicies } from './key-policies.ts'

export interface AdminKeyParts {
  /** Whose keys these are: the identity listener serves one application. */
  readonly applicationId: string
  readonly keys: IdentityKeys
  readonly policies: ManagedKeyPolicies
}

const PATH = '/admin/v1/applications/{id}/identity'
const MAX_NAME_CHARS = 64
const MAX_ACTORS = 100
const MAX_ACTOR_CHARS = 200
const documented = { tags: ['Identity keys'], security: [{ bearer: [] }] }
const params = z.object({ id: applicationIdSchema })
const part = z.string().max(MAX_NAME_CHARS)
const nameSchema = z.strictObject({
  applicationId: part.min(1).openapi({ example: 'ID_REPO' }),
  referenceId: part.default('').openapi({ example: 'uin' }),
})

const keySchema = z
  .object({
    id: z.string().openapi({ example: 'K7.4', description: 'Number in MOSIP’s table of keys' }),
    applicationId: z.string(),
    referenceId: z.string(),
    generation: z.int(),
    state: z.enum(['current', 'retired']),
    thumbprint: z.string().openapi({ description: 'SHA-256 of the certificate, hexadecimal' }),
    createdAt: timeSchema,
    notAfter: timeSchema,
  })
  .openapi('IdentityKey')
const certificateSchema = z
  .object({ certificate: z.string(), chain: z.array(z.string()) })
  .openapi('IdentityKeyCertificate')
const policySchema = z
  .object({ applicationId: z.string(), actors: z.array(z.string()) })
  .openapi('IdentityKeyPolicy')

export const adminKeyRoutes = {
  list: createRoute({
    ...{ method: 'get', path: `${PATH}/keys`, ...documented, summary: 'List identity keys by name' },
    middleware: [requirePermission('read')],
    request: { params, query: pageQuerySchema },
    responses: {
      200: { description: 'Oldest generation first', content: page(keySchema) },
      ...problemAnswers(400, 401, 403, 404),
    },
  } as const),
  certificate: createRoute({
    ...{ method: 'get', path: `${PATH}/keys/certificate`, ...documented },
    summary: 'The certificate of a key, made if there is none, and its chain',
    middleware: [requirePermission('read')],
    request: { params, query: nameSchema },
    responses: {
      200: { description: 'PEM', content: json(certificateSchema) },
      ...problemAnswers(400, 401, 403, 404),
    },
  } as const),
  renew: createRoute({
    ...{ method: 'post', path: `${PATH}/keys/renew`, ...documented },
    summary: 'Make the next generation of a key; the old one keeps opening and verifying',
    middleware: [requirePermission('manage-keys')],
    request: { params, body: body(nameSchema) },
    responses: {
      200: { description: 'The new certificate', content: json(certificateSchema) },
      ...problemAnswers(400, 401, 403, 404, 409),
    },
  } as const),
  policies: createRoute({
    ...{ method: 'get', path: `${PATH}/key-policies`, ...documented },
    summary: 'Who may decrypt and sign with whose keys',
    middleware: [requirePermission('read')],
    request: { params },
    responses: {
      200: {
        description: 'Application ids that are not listed let every service',
        content: json(z.object({ items: z.array(policySchema) })),
      },
      ...problemAnswers(401, 403, 404),
    },
  } as const),
  setPolicy: createRoute({
    ...{ method: 'put', path: `${PATH}/key-policies`, ...documented },
    summary: 'Let only these callers decrypt and sign; none: every service',
    middleware: [requirePermission('manage-keys')],
    request: {
      params,
      body: body(
        z.strictObject({
          applicationId: part.min(1),
          actors: z.array(z.string().min(1).max(MAX_ACTOR_CHARS)).max(MAX_ACTORS),
        }),
      ),
    },
    responses: {
      200: { description: 'The policy', content: json(policySchema) },
      ...problemAnswers(400, 401, 403, 404),
    },
  } as const),
}

/** Identity keys in the admin API of the process that serves them. */
export function addAdminKeyRoutes(app: OpenAPIHono<AdminEnv>, parts: AdminKeyParts): void {
  const { keys, policies } = parts
  const requireApplication = (applicationId: string): void => {
    if (applicationId === parts.applicationId) return
    throw new KeyhavenError('NOT_FOUND', 'the identity capability does not serve this application')
  }
  const chainOf = async (name: ReturnType<typeof parseKeyName>) => {
    const [certificate, ...chain] = (await found(keys.chain(name))).map(certificateToPem)
    return { certificate: certificate!, chain }
  }

  app.openapi(adminKeyRoutes.list, async (c) => {
    requireApplication(c.req.valid('param').id)
    const { cursor, limit } = c.req.valid('query')
    const listed = await keys.list({ after: readCursor(cursor), limit: limit + 1 })
    const items = listed.slice(0, limit)
    const last = items.at(-1)
    const nextCursor =
      listed.length > limit && last !== undefined
        ? encodeCursor([last.name.appId, last.name.refId, last.generation])
        : null
    return c.json({ items: items.map(shownKey), nextCursor }, 200)
  })
  app.openapi(adminKeyRoutes.certificate, async (c) => {
    requireApplication(c.req.valid('param').id)
    const { applicationId, referenceId } = c.req.valid('query')
    return c.json(await chainOf(parseKeyName(applicationId, referenceId)), 200)
  })
  app.openapi(adminKeyRoutes.renew, async (c) => {
    requireApplication(c.req.valid('param').id)
    const { applicationId, referenceId } = c.req.valid('json')
    const name = parseKeyName(applicationId, referenceId)
    await found(keys.renew(name, c.var.principal.actor))
    return c.json(await chainOf(name), 200)
  })
  app.openapi(adminKeyRoutes.policies, async (c) => {
    requireApplication(c.req.valid('param').id)
    const items = [...(await policies.list())].map(([applicationId, actors]) => ({
      applicationId,
      actors: [...actors],
    }))
    return c.json({ items }, 200)
  })
  app.openapi(adminKeyRoutes.setPolicy, async (c) => {
    requireApplication(c.req.valid('param').id)
    const { applicationId, actors } = c.req.valid('json')
    await policies.set(parseKeyName(applicationId, '').appId, actors, c.var.principal.actor)
    return c.json({ applicationId, actors }, 200)
  })
}

/** `KEY_UNKNOWN` is what a client hears whose key is not known; here a name is. */
async function found<T>(asked: Promise<T>): Promise<T> {
  try {
    return await asked
  } catch (error) {
    if (!(error instanceof KeyhavenError) || error.code !== 'KEY_UNKNOWN') throw error
    throw new KeyhavenError('NOT_FOUND', error.message)
  }
}

function readCursor(cursor: string | undefined) {
  if (cursor === undefined) return undefined
  const [appId, refId, generation] = decodeCursor(cursor, 'text', 'text', 'number')
  return { name: { appId, refId }, generation }
}

function shownKey({ id, name, generation, state, thumbprint, createdAt, notAfter }: IdentityKeyInfo) {
  return {
    ...{ id, applicationId: name.appId, referenceId: name.refId, generation, state, thumbprint },
    createdAt: new Date(createdAt).toISOString(),
    notAfter: new Date(notAfter).toISOString(),
  }
}
