import type { OpenAPIHono } from '@hono/zod-openapi'
import { z } from '@hono/zod-openapi'
import { KeyhavenError } from '@keyhaven/crypto'
import { POLICY_TYPES } from '@keyhaven/identity/names'
import type { AdminEnv } from '../../platform/auth/principal.ts'
import { timeSchema } from '../../platform/http/schemas.ts'
import { changeRoute, listPage, listRoute, makeRoute, shown, showRoute } from './admin-partner-api.ts'
import { groupSchema, policyDetailSchema, policySchema } from './admin-partner-json.ts'
import type { AdminPartnerParts } from './admin-partner-routes.ts'

const MAX_TEXT_CHARS = 256
const text = z.string().max(MAX_TEXT_CHARS)
const document = z.record(z.string(), z.unknown()).openapi({ description: 'MOSIP’s JSON' })

export const adminPolicyRoutes = {
  policies: listRoute('/policies', 'List policies', policySchema, {
    type: z.enum(POLICY_TYPES).optional(),
    state: z.enum(['draft', 'active', 'inactive']).optional(),
  }),
  policy: showRoute(
    '/policies/{item}',
    'A policy with what is published and what is being written',
    policyDetailSchema,
  ),
  define: makeRoute(
    '/policies',
    'Write a policy, as a draft',
    z.strictObject({
      id: text,
      groupId: text,
      name: text,
      description: text,
      type: z.enum(POLICY_TYPES),
      document,
    }),
    policySchema,
  ),
  revise: changeRoute(
    '/policies/{item}/draft',
    'Write a policy’s next version; what is published stays',
    z.strictObject({ document, name: text.optional(), description: text.optional() }),
    policySchema,
  ),
  publish: changeRoute(
    '/policies/{item}/publish',
    'Publish a policy’s draft; shares under the version before end',
    z.strictObject({ validUntil: timeSchema.nullable().default(null) }),
    policySchema,
  ),
  setPolicy: changeRoute(
    '/policies/{item}/state',
    'Make a policy active or inactive, at once',
    z.strictObject({ active: z.boolean() }),
    policySchema,
  ),
  installDefaults: makeRoute(
    '/policies/defaults',
    'Add MOSIP’s policies that are not there',
    z.strictObject({}),
    z.object({ added: z.array(z.string()) }),
  ),
  groups: listRoute('/policy-groups', 'List policy groups', groupSchema, {}),
  defineGroup: makeRoute(
    '/policy-groups',
    'Make a policy group',
    z.strictObject({ id: text, name: text, description: text }),
    groupSchema,
  ),
  setGroup: changeRoute(
    '/policy-groups/{item}/state',
    'Make a group, and all its policies with it, active or inactive',
    z.strictObject({ active: z.boolean() }),
    groupSchema,
  ),
}

export function addAdminPolicyRoutes(app: OpenAPIHono<AdminEnv>, { services }: AdminPartnerParts): void {
  app.openapi(adminPolicyRoutes.policies, async (c) => {
    const { store } = await services(c.req.valid('param').id)
    const { type, state, ...page } = c.req.valid('query')
    return c.json(await listPage(store.reads.policies, policySchema, { type, state }, page), 200)
  })

  app.openapi(adminPolicyRoutes.policy, async (c) => {
    const { id, item } = c.req.valid('param')
    const found = await (await services(id)).store.reads.policies.get(item)
    if (found === undefined) throw new KeyhavenError('NOT_FOUND', `there is no policy ${item}`)
    return c.json(shown(policyDetailSchema, found), 200)
  })

  app.openapi(adminPolicyRoutes.installDefaults, async (c) => {
    const { policies } = await services(c.req.valid('param').id)
    return c.json({ added: [...(await policies.installDefaults(c.var.principal))] }, 200)
  })

  app.openapi(adminPolicyRoutes.define, async (c) => {
    const { policies } = await services(c.req.valid('param').id)
    return c.json(shown(policySchema, await policies.define(c.req.valid('json'), c.var.principal)), 200)
  })

  app.openapi(adminPolicyRoutes.revise, async (c) => {
    const { id, item } = c.req.valid('param')
    const { document: next, name, description } = c.req.valid('json')
    const { policies } = await services(id)
    const change = {
      document: next,
      ...(name === undefined ? {} : { name }),
      ...(description === undefined ? {} : { description }),
    }
    return c.json(shown(policySchema, await policies.revise(item, change, c.var.principal)), 200)
  })

  app.openapi(adminPolicyRoutes.publish, async (c) => {
    const { id, item } = c.req.valid('param')
    const { validUntil } = c.req.valid('json')
    const { policies } = await services(id)
    const end = validUntil === null ? null : Date.parse(validUntil)
    return c.json(shown(policySchema, await policies.publish(item, end, c.var.principal)), 200)
  })

  app.openapi(adminPolicyRoutes.setPolicy, async (c) => {
    const { id, item } = c.req.valid('param')
    const { policies } = await services(id)
    const changed = await policies.setActive(item, c.req.valid('json').active, c.var.principal)
    return c.json(shown(policySchema, changed), 200)
  })

  app.openapi(adminPolicyRoutes.groups, async (c) => {
    const { store } = await services(c.req.valid('param').id)
    return c.json(await listPage(store.reads.groups, groupSchema, {}, c.req.valid('query')), 200)
  })

  app.openapi(adminPolicyRoutes.defineGroup, async (c) => {
    const { policies } = await services(c.req.valid('param').id)
    return c.json(shown(groupSchema, await policies.defineGroup(c.req.valid('json'), c.var.principal)), 200)
  })

  app.openapi(adminPolicyRoutes.setGroup, async (c) => {
    const { id, item } = c.req.valid('param')
    const { policies } = await services(id)
    const changed = await policies.setGroupActive(item, c.req.valid('json').active, c.var.principal)
    return c.json(shown(groupSchema, changed), 200)
  })
}
