import type { OpenAPIHono } from '@hono/zod-openapi'
import { createRoute, z } from '@hono/zod-openapi'
import { requirePermission } from '../platform/auth/authenticate.ts'
import type { AdminEnv } from '../platform/auth/principal.ts'
import { body, json, page, pageQuerySchema, problemAnswers } from '../platform/http/schemas.ts'
import {
  type AdminDirectoryParts,
  DIRECTORY_PATH,
  directoryParams,
  documented,
  MAX_SEARCH_CHARS,
  openDirectory,
  userParams,
} from './admin-directory-api.ts'
import {
  deviceJson,
  deviceSchema,
  userDetailJson,
  userDetailSchema,
  userJson,
  userSchema,
} from './admin-directory-json.ts'
import { countValidDevices, listDevicesOf, listExpiringDevices } from './directory-reports.ts'

const MAX_REASON_CHARS = 500
const MS_PER_DAY = 86_400_000
const DEVICE_ID = /^[\w-]{22}$/

const reasonBody = body(z.strictObject({ reason: z.string().trim().min(1).max(MAX_REASON_CHARS) }))

export const adminUserRoutes = {
  users: createRoute({
    method: 'get',
    path: `${DIRECTORY_PATH}/users`,
    ...documented,
    summary: 'List users',
    middleware: [requirePermission('read')],
    request: {
      params: directoryParams,
      query: pageQuerySchema.extend({ q: z.string().max(MAX_SEARCH_CHARS).optional() }),
    },
    responses: {
      200: { description: 'By name', content: page(userSchema) },
      ...problemAnswers(400, 401, 403, 404),
    },
  }),
  user: createRoute({
    method: 'get',
    path: `${DIRECTORY_PATH}/users/{username}`,
    ...documented,
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
    path: `${DIRECTORY_PATH}/devices`,
    ...documented,
    summary: 'Devices whose record ends soon',
    middleware: [requirePermission('read')],
    request: {
      params: directoryParams,
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
    path: `${DIRECTORY_PATH}/users/{username}/reset`,
    ...documented,
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
    path: `${DIRECTORY_PATH}/users/{username}/devices/{device}/revoke`,
    ...documented,
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
}

/** Users and their devices. */
export function addAdminUserRoutes(app: OpenAPIHono<AdminEnv>, parts: AdminDirectoryParts): void {
  const { state, clock } = parts

  const userDetail = async (id: string, username: string) => {
    const { service } = await openDirectory(parts, id)
    return userDetailJson(await service.user(username), await listDevicesOf(state.db, id, username), clock())
  }

  app.openapi(adminUserRoutes.users, async (c) => {
    const { id } = c.req.valid('param')
    const { cursor, limit, q } = c.req.valid('query')
    const { service } = await openDirectory(parts, id)
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

  app.openapi(adminUserRoutes.user, async (c) => {
    const { id, username } = c.req.valid('param')
    return c.json(await userDetail(id, username), 200)
  })

  app.openapi(adminUserRoutes.devices, async (c) => {
    const { id } = c.req.valid('param')
    await openDirectory(parts, id)
    const { cursor, limit, expiringWithin } = c.req.valid('query')
    const now = clock()
    const before = now + Number.parseInt(expiringWithin, 10) * MS_PER_DAY
    // Who can no longer renew is not about to end.
    const from = now - state.config.directory.renewalGraceDays * MS_PER_DAY
    const page = { cursor, limit, now, before, from }
    const { items, nextCursor } = await listExpiringDevices(state.db, id, page)
    return c.json({ items: items.map((row) => deviceJson(row, now)), nextCursor }, 200)
  })

  app.openapi(adminUserRoutes.reset, async (c) => {
    const { id, username } = c.req.valid('param')
    const { service } = await openDirectory(parts, id)
    await service.reset({ username, ...c.req.valid('json') }, c.var.principal.actor)
    return c.json(await userDetail(id, username), 200)
  })

  app.openapi(adminUserRoutes.revoke, async (c) => {
    const { id, username, device } = c.req.valid('param')
    const { service } = await openDirectory(parts, id)
    await service.revokeByOperator({ username, device, ...c.req.valid('json') }, c.var.principal.actor)
    return c.json(await userDetail(id, username), 200)
  })
}
