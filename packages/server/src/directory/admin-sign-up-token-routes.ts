import type { OpenAPIHono } from '@hono/zod-openapi'
import { createRoute, z } from '@hono/zod-openapi'
import { requirePermission } from '../platform/auth/authenticate.ts'
import type { AdminEnv } from '../platform/auth/principal.ts'
import { body, json, page, pageQuerySchema, problemAnswers, timeSchema } from '../platform/http/schemas.ts'
import {
  type AdminDirectoryParts,
  DIRECTORY_PATH,
  directoryParams,
  documented,
  MAX_SEARCH_CHARS,
  openDirectory,
} from './admin-directory-api.ts'
import { signUpTokenJson, signUpTokenSchema } from './admin-directory-json.ts'
import { usernameSchema } from './directory-routes.ts'

const MS_PER_SECOND = 1_000

export const adminSignUpTokenRoutes = {
  tokens: createRoute({
    method: 'get',
    path: `${DIRECTORY_PATH}/sign-up-tokens`,
    ...documented,
    summary: 'List sign-up tokens, never their values',
    middleware: [requirePermission('read')],
    request: { params: directoryParams, query: pageQuerySchema },
    responses: {
      200: { description: 'Newest first', content: page(signUpTokenSchema) },
      ...problemAnswers(400, 401, 403, 404),
    },
  }),
  createToken: createRoute({
    method: 'post',
    path: `${DIRECTORY_PATH}/sign-up-tokens`,
    ...documented,
    summary: 'Make a sign-up token for one user; it is shown once',
    middleware: [requirePermission('manage-keys')],
    request: {
      params: directoryParams,
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
    path: `${DIRECTORY_PATH}/sign-up-tokens/{token}`,
    ...documented,
    summary: 'Delete a sign-up token',
    middleware: [requirePermission('manage-keys')],
    request: { params: directoryParams.extend({ token: z.string().max(MAX_SEARCH_CHARS) }) },
    responses: { 204: { description: 'Deleted' }, ...problemAnswers(400, 401, 403, 404) },
  }),
}

/** Tokens that let a user's first device in. */
export function addAdminSignUpTokenRoutes(app: OpenAPIHono<AdminEnv>, parts: AdminDirectoryParts): void {
  const { clock } = parts

  app.openapi(adminSignUpTokenRoutes.tokens, async (c) => {
    const { service } = await openDirectory(parts, c.req.valid('param').id)
    const { cursor, limit } = c.req.valid('query')
    const { items, next } = await service.listSignUpTokens({
      limit,
      ...(cursor === undefined ? {} : { cursor }),
    })
    return c.json({ items: items.map(signUpTokenJson), nextCursor: next }, 200)
  })

  app.openapi(adminSignUpTokenRoutes.createToken, async (c) => {
    const { service } = await openDirectory(parts, c.req.valid('param').id)
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

  app.openapi(adminSignUpTokenRoutes.deleteToken, async (c) => {
    const { id, token } = c.req.valid('param')
    const { service } = await openDirectory(parts, id)
    await service.deleteSignUpToken(token, c.var.principal.actor)
    return c.body(null, 204)
  })
}
