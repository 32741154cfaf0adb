import type { OpenAPIHono } from '@hono/zod-openapi'
import { createRoute, z } from '@hono/zod-openapi'
import { DELEGATION_MAX_BYTES } from '@keyhaven/channel'
import { applicationIdSchema, thumbprintSchema } from '../applications/application-routes.ts'
import type { ApplicationService } from '../applications/application-service.ts'
import { requirePermission } from '../platform/auth/authenticate.ts'
import type { AdminEnv } from '../platform/auth/principal.ts'
import { problemAnswers, timeSchema } from '../platform/http/schemas.ts'
import type { State } from '../platform/state/state.ts'
import { switchRoot } from './switch-root.ts'
import type { Trust } from './trust.ts'
import { installDelegation, readTrust } from './trust.ts'

const MAX_REASON_CHARS = 500
const SHIP_TEXT =
  'Ship the new root thumbprints with the next release of the app. Apps that ship the former spare go on ' +
  'meanwhile; an app that ships only the former root refuses this server.'

const trustSchema = z
  .object({
    mode: z.enum(['online', 'offline']),
    rootThumbprints: z.array(thumbprintSchema),
    epoch: z.int(),
    sequence: z.int(),
    manifestKey: z.record(z.string(), z.string()).openapi({ description: 'Public Ed25519 JWK' }),
    delegationExpiresAt: timeSchema.nullable(),
  })
  .openapi('Trust')

const switchedRootSchema = trustSchema
  .extend({ text: z.string().openapi({ description: 'What the operator has to do next' }) })
  .openapi('SwitchedRoot')

const switchRootSchema = z
  .strictObject({
    reason: z.string().trim().min(1).max(MAX_REASON_CHARS),
    rootThumbprint: thumbprintSchema.optional().openapi({
      description:
        'The root to leave: if it is another one by now, nothing changes. So a call may be sent again.',
    }),
  })
  .openapi('RootSwitch')

const tags = ['Trust']
const security = [{ bearer: [] }]
const params = z.object({ id: applicationIdSchema })
const trustAnswer = {
  description: 'What the application’s clients trust',
  content: { 'application/json': { schema: trustSchema } },
}

export const trustRoutes = {
  get: createRoute({
    method: 'get',
    path: '/admin/v1/applications/{id}/trust',
    tags,
    security,
    summary: 'What clients trust, and what an offline root has to sign',
    middleware: [requirePermission('read')],
    request: { params },
    responses: { 200: trustAnswer, ...problemAnswers(400, 401, 403, 404) },
  }),
  install: createRoute({
    method: 'post',
    path: '/admin/v1/applications/{id}/delegation',
    tags,
    security,
    summary: 'Install a delegation that an offline root signed',
    middleware: [requirePermission('manage-keys')],
    request: {
      params,
      body: {
        required: true,
        content: {
          'application/json': {
            schema: z.strictObject({ delegation: z.string().min(1).max(DELEGATION_MAX_BYTES) }),
          },
        },
      },
    },
    responses: { 200: trustAnswer, ...problemAnswers(400, 401, 403, 404, 409) },
  }),
  switchRoot: createRoute({
    method: 'post',
    path: '/admin/v1/applications/{id}/trust/switch-root',
    tags,
    security,
    summary: 'Revoke the root key and go on with the spare one; only if the server holds them',
    middleware: [requirePermission('administer')],
    request: {
      params,
      body: { required: true, content: { 'application/json': { schema: switchRootSchema } } },
    },
    responses: {
      200: {
        description: 'What the application’s clients trust now',
        content: { 'application/json': { schema: switchedRootSchema } },
      },
      ...problemAnswers(400, 401, 403, 404, 409),
    },
  }),
}

export function addTrustRoutes(
  app: OpenAPIHono<AdminEnv>,
  state: State,
  applications: ApplicationService,
): void {
  app.openapi(trustRoutes.get, async (c) => {
    const { id } = await applications.get(c.req.valid('param').id)
    return c.json(trustJson(await readTrust(state, id)), 200)
  })

  app.openapi(trustRoutes.install, async (c) => {
    const { id } = await applications.get(c.req.valid('param').id)
    const { delegation } = c.req.valid('json')
    return c.json(
      trustJson(await installDelegation(state, id, delegation.trim(), c.var.principal.actor)),
      200,
    )
  })

  app.openapi(trustRoutes.switchRoot, async (c) => {
    const { id } = await applications.get(c.req.valid('param').id)
    const trust = await switchRoot(state, id, c.req.valid('json'), c.var.principal.actor)
    return c.json({ ...trustJson(trust), text: SHIP_TEXT }, 200)
  })
}

function trustJson(trust: Trust) {
  const { delegationExpiresAt } = trust
  return {
    mode: trust.mode,
    rootThumbprints: [...trust.rootThumbprints],
    epoch: trust.epoch,
    sequence: trust.sequence,
    manifestKey: Object.fromEntries(
      Object.entries(trust.manifestKey).map(([name, value]) => [name, String(value)]),
    ),
    delegationExpiresAt: delegationExpiresAt === null ? null : new Date(delegationExpiresAt).toISOString(),
  }
}
