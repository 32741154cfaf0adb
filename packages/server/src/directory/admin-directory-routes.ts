import type { OpenAPIHono } from '@hono/zod-openapi'
import { createRoute, z } from '@hono/zod-openapi'
import { KeyhavenError } from '@keyhaven/crypto'
import { ADMIN_APPLICATION_ID } from '../applications/application.ts'
import { applicationIdSchema } from '../applications/application-routes.ts'
import type { ApplicationService } from '../applications/application-service.ts'
import { requirePermission } from '../platform/auth/authenticate.ts'
import type { AdminEnv } from '../platform/auth/principal.ts'
import { pageQuerySchema, problemAnswers, timeSchema } from '../platform/http/schemas.ts'
import type { State } from '../platform/state/state.ts'
import {
  deviceJson,
  deviceSchema,
  signUpTokenJson,
  signUpTokenSchema,
  userDetailJson,
  userDetailSchema,
  userJson,
  userSchema,
} from './admin-directory-json.ts'
import type { Directories } from './directories.ts'
import { countValidDevices, listDevicesOf, listExpiringDevices, listWitnesses } from './directory-reports.ts'
import { usernameSchema } from './directory-routes.ts'
import { checkLog, type LogVerdict } from './log/check-log.ts'

const MAX_REASON_CHARS = 500
const MAX_SEARCH_CHARS = 128
const MS_PER_SECOND = 1_000
const MS_PER_DAY = 86_400_000
const DEVICE_ID = /^[\w-]{22}$/

const tags = ['Directory']
const security = [{ bearer: [] }]
const base = '/admin/v1/applications/{id}/directory'
const json = <Schema extends z.ZodType>(schema: Schema) => ({ 'application/json': { schema } })
const body = <Schema extends z.ZodType>(schema: Schema) => ({ required: true, content: json(schema) })
const page = <Schema extends z.ZodType>(schema: Schema) =>
  json(z.object({ items: z.array(schema), nextCursor: z.string().nullable() }))
const params = z.object({ id: applicationIdSchema })
const userParams = params.extend({ username: usernameSchema })
const reasonBody = body(z.strictObject({ reason: z.string().trim().min(1).max(MAX_REASON_CHARS) }))

const logSchema = z
  .object({
    origin: z.string(),
    verifierKey: z.string().openapi({ description: 'C2SP verifier key: what apps are configured with' }),
    size: z.int(),
    root: z.string().openapi({ description: 'Base64' }),
    checkpoint: z.string().openapi({ description: 'Signed note' }),
    at: timeSchema,
    witnesses: z.array(z.object({ name: z.string(), lastCosignedAt: timeSchema.nullable() })),
  })
  .openapi('DirectoryLog')

const verdictSchema = z
  .object({ valid: z.boolean(), size: z.int(), root: z.string(), at: timeSchema })
  .openapi('LogVerdict')

export const adminDirectoryRoutes = {
  users: createRoute({
    method: 'get',
    path: `${base}/users`,
    tags,
    security,
    summary: 'List users',
    middleware: [requirePermission('read')],
    request: { params, query: pageQuerySchema.extend({ q: z.string().max(MAX_SEARCH_CHARS).optional() }) },
    responses: {
      200: { description: 'By name', content: page(userSchema) },
      ...problemAnswers(400, 401, 403, 404),
    },
  }),
  user: createRoute({
    method: 'get',
    path: `${base}/users/{username}`,
    tags,
    security,
    summary: 'A user’s devices and entries',
    middleware: [requirePermission('read')],
    request: { params: userParams },
    responses: {
      200: { description: 'The user', content: json(userDetailSchema) },
      ...problemAnswers(400, 401, 403, 404),
    },
  }),
  devices: createRoute({
    method: 'get',
    path: `${base}/devices`,
    tags,
    security,
    summary: 'Devices whose record ends soon',
    middleware: [requirePermission('read')],
    request: {
      params,
      query: pageQuerySchema.extend({
        expiringWithin: z
          .string()
          .regex(/^\d{1,3}d$/, 'days, such as 30d')
          .default('30d'),
      }),
    },
    responses: {
      200: {
        description: 'The nearest end first; those that ended, for as long as they can still renew',
        content: page(deviceSchema),
      },
      ...problemAnswers(400, 401, 403, 404),
    },
  }),
  reset: createRoute({
    method: 'post',
    path: `${base}/users/{username}/reset`,
    tags,
    security,
    summary: 'End all devices of a user who lost them; contacts are told',
    middleware: [requirePermission('manage-keys')],
    request: { params: userParams, body: reasonBody },
    responses: {
      200: { description: 'A new chain begins', content: json(userDetailSchema) },
      ...problemAnswers(400, 401, 403, 404, 409),
    },
  }),
  revoke: createRoute({
    method: 'post',
    path: `${base}/users/{username}/devices/{device}/revoke`,
    tags,
    security,
    summary: 'Revoke a device at once, for ever',
    middleware: [requirePermission('manage-keys')],
    request: {
      params: userParams.extend({ device: z.string().regex(DEVICE_ID, 'a device id') }),
      body: reasonBody,
    },
    responses: {
      200: { description: 'Revoked', content: json(userDetailSchema) },
      ...problemAnswers(400, 401, 403, 404, 409),
    },
  }),
  tokens: createRoute({
    method: 'get',
    path: `${base}/sign-up-tokens`,
    tags,
    security,
    summary: 'List sign-up tokens, never their values',
    middleware: [requirePermission('read')],
    request: { params, query: pageQuerySchema },
    responses: {
      200: { description: 'Newest first', content: page(signUpTokenSchema) },
      ...problemAnswers(400, 401, 403, 404),
    },
  }),
  createToken: createRoute({
    method: 'post',
    path: `${base}/sign-up-tokens`,
    tags,
    security,
    summary: 'Make a sign-up token for one user; it is shown once',
    middleware: [requirePermission('manage-keys')],
    request: {
      params,
      body: body(
        z.strictObject({
          username: usernameSchema,
          expiresAt: timeSchema.optional(),
          profile: z.enum(['x-wing', 'x25519', 'rsa3072', 'rsa1024-legacy']).optional(),
        }),
      ),
    },
    responses: {
      201: { description: 'Made', content: json(signUpTokenSchema.extend({ token: z.string() })) },
      ...problemAnswers(400, 401, 403, 404, 409),
    },
  }),
  deleteToken: createRoute({
    method: 'delete',
    path: `${base}/sign-up-tokens/{token}`,
    tags,
    security,
    summary: 'Delete a sign-up token',
    middleware: [requirePermission('manage-keys')],
    request: { params: params.extend({ token: z.string().max(MAX_SEARCH_CHARS) }) },
    responses: { 204: { description: 'Deleted' }, ...problemAnswers(400, 401, 403, 404) },
  }),
  log: createRoute({
    method: 'get',
    path: `${base}/log`,
    tags,
    security,
    summary: 'The log: what apps are configured with, its size and newest checkpoint',
    middleware: [requirePermission('read')],
    request: { params },
    responses: {
      200: { description: 'The log', content: json(logSchema) },
      ...problemAnswers(400, 401, 403, 404),
    },
  }),
  checkLog: createRoute({
    method: 'post',
    path: `${base}/log/check`,
    tags,
    security,
    summary: 'Recompute the log’s root from all its entries',
    middleware: [requirePermission('read')],
    request: { params },
    responses: {
      200: { description: 'The verdict', content: json(verdictSchema) },
      ...problemAnswers(400, 401, 403, 404),
    },
  }),
}

export interface AdminDirectoryParts {
  readonly state: State
  readonly applications: ApplicationService
  readonly directories: Directories
  /** Milliseconds since the epoch. */
  readonly clock: () => number
}

export function addAdminDirectoryRoutes(app: OpenAPIHono<AdminEnv>, parts: AdminDirectoryParts): void {
  const { state, applications, directories, clock } = parts
  const checks = new Map<string, Promise<LogVerdict>>()

  const open = async (id: string) => {
    await applications.get(id)
    if (id === ADMIN_APPLICATION_ID) throw new KeyhavenError('NOT_FOUND', 'there is no such application')
    return directories.ensure(id)
  }
  const userDetail = async (id: string, username: string) => {
    const { service } = await open(id)
    return userDetailJson(await service.user(username), await listDevicesOf(state.db, id, username), clock())
  }

  app.openapi(adminDirectoryRoutes.users, async (c) => {
    const { id } = c.req.valid('param')
    const { cursor, limit, q } = c.req.valid('query')
    const { service } = await open(id)
    const { items, next } = await service.listUsers({
      limit,
      ...(cursor === undefined ? {} : { cursor }),
      ...(q === undefined ? {} : { query: q }),
    })
    const names = items.map((user) => user.username)
    const devices = await countValidDevices(state.db, id, names, clock())
    const shown = items.map((user) => ({ ...userJson(user), devices: devices.get(user.username) ?? 0 }))
    return c.json({ items: shown, nextCursor: next }, 200)
  })

  app.openapi(adminDirectoryRoutes.user, async (c) => {
    const { id, username } = c.req.valid('param')
    return c.json(await userDetail(id, username), 200)
  })

  app.openapi(adminDirectoryRoutes.devices, async (c) => {
    const { id } = c.req.valid('param')
    await open(id)
    const { cursor, limit, expiringWithin } = c.req.valid('query')
    const now = clock()
    const before = now + Number.parseInt(expiringWithin, 10) * MS_PER_DAY
    // Who can no longer renew is not about to end.
    const from = now - state.config.directory.renewalGraceDays * MS_PER_DAY
    const page = { cursor, limit, now, before, from }
    const { items, nextCursor } = await listExpiringDevices(state.db, id, page)
    return c.json({ items: items.map((row) => deviceJson(row, now)), nextCursor }, 200)
  })

  app.openapi(adminDirectoryRoutes.reset, async (c) => {
    const { id, username } = c.req.valid('param')
    const { service } = await open(id)
    await service.reset({ username, ...c.req.valid('json') }, c.var.principal.actor)
    return c.json(await userDetail(id, username), 200)
  })

  app.openapi(adminDirectoryRoutes.revoke, async (c) => {
    const { id, username, device } = c.req.valid('param')
    const { service } = await open(id)
    await service.revokeByOperator({ username, device, ...c.req.valid('json') }, c.var.principal.actor)
    return c.json(await userDetail(id, username), 200)
  })

  app.openapi(adminDirectoryRoutes.tokens, async (c) => {
    const { service } = await open(c.req.valid('param').id)
    const { cursor, limit } = c.req.valid('query')
    const { items, next } = await service.listSignUpTokens({
      limit,
      ...(cursor === undefined ? {} : { cursor }),
    })
    return c.json({ items: items.map(signUpTokenJson), nextCursor: next }, 200)
  })

  app.openapi(adminDirectoryRoutes.createToken, async (c) => {
    const { service } = await open(c.req.valid('param').id)
    const { username, expiresAt, profile } = c.req.valid('json')
    const { actor } = c.var.principal
    const made = await service.issueSignUpToken(
      {
        username,
        ...(expiresAt === undefined ? {} : { expiresAt: Math.floor(Date.parse(expiresAt) / MS_PER_SECOND) }),
        ...(profile === undefined ? {} : { profile }),
      },
      actor,
    )
    const { token, ...item } = made
    const createdAt = Math.floor(clock() / MS_PER_SECOND)
    return c.json({ ...signUpTokenJson({ ...item, createdAt, createdBy: actor, usedAt: null }), token }, 201)
  })

  app.openapi(adminDirectoryRoutes.deleteToken, async (c) => {
    const { id, token } = c.req.valid('param')
    const { service } = await open(id)
    await service.deleteSignUpToken(token, c.var.principal.actor)
    return c.body(null, 204)
  })

  app.openapi(adminDirectoryRoutes.log, async (c) => {
    const { id } = c.req.valid('param')
    const { keys } = await open(id)
    const { origin, note, size, root, signedAt } = await directories.log.checkpoint(id)
    const witnesses = await listWitnesses(state.db, id, state.config.directory.witnesses)
    const answer = {
      origin,
      verifierKey: keys.verifierKey,
      size,
      root: Buffer.from(root).toString('base64'),
      checkpoint: note,
      at: new Date(signedAt).toISOString(),
      witnesses: witnesses.map(({ name, lastCosignedAt }) => ({
        name,
        lastCosignedAt: lastCosignedAt === null ? null : new Date(lastCosignedAt).toISOString(),
      })),
    }
    return c.json(answer, 200)
  })

  app.openapi(adminDirectoryRoutes.checkLog, async (c) => {
    const { id } = c.req.valid('param')
    await open(id)
    // One at a time: hashing a long log takes a while.
    let check = checks.get(id)
    if (check === undefined) {
      check = checkLog(directories.log, id).finally(() => checks.delete(id))
      checks.set(id, check)
    }
    const { valid, size, root } = await check
    await state.transaction(async (transaction) => {
      const detail = { valid, size }
      const { actor } = c.var.principal
      state.audit.append(transaction, { actor, action: 'directory.log.check', applicationId: id, detail })
    })
    const at = new Date(clock()).toISOString()
    return c.json({ valid, size, root: Buffer.from(root).toString('base64'), at }, 200)
  })
}
