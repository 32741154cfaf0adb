import type { OpenAPIHono } from '@hono/zod-openapi'
import { z } from '@hono/zod-openapi'
import { KeyhavenError } from '@keyhaven/crypto'
import { mosipTime, POLICY_TYPES } from '@keyhaven/identity'
import type { Policy, PolicyGroup } from '@keyhaven/identity/service'
import type { AppEnv } from '../../platform/http/call-origin.ts'
import { mosipRoutes } from '../mosip-routes.ts'
import { PARTNER_MANAGER, type PartnerManagerParts } from './partner-manager-routes.ts'

const PREFIX = '/v1/policymanager/policies'
const MAX_TEXT_CHARS = 512
const SCHEMA_URL = 'https://schemas.mosip.io/v1/auth-policy'
const text = z.string().max(MAX_TEXT_CHARS)

const groupRequest = z.object({ name: text, desc: text })
const policyRequest = z.object({
  policyId: text.nullish(),
  policyGroupName: text,
  policyType: z.enum(POLICY_TYPES),
  name: text,
  desc: text,
  version: text.nullish(),
  policies: z.record(z.string(), z.unknown()),
})
const revisionRequest = z.object({
  policyGroupName: text.nullish(),
  name: text,
  desc: text,
  version: text.nullish(),
  policies: z.record(z.string(), z.unknown()),
})
const statusRequest = z.object({ status: text })

/** MOSIP's policy manager, in the names of its DTOs. Groups and policies are named by their id. */
export function addPolicyManagerRoutes(app: OpenAPIHono<AppEnv>, parts: PartnerManagerParts): void {
  const { policies, store } = parts.services
  const route = mosipRoutes(app, parts, PARTNER_MANAGER)

  route('post', `${PREFIX}/group/new`, async ({ caller, request }) => {
    const { name, desc } = request(groupRequest)
    const made = await policies.defineGroup({ id: name, name, description: desc }, caller)
    return { id: made.id, name: made.name, desc: made.description }
  })

  route('post', PREFIX, async ({ caller, request }) => {
    const given = request(policyRequest)
    const made = await policies.define(
      {
        ...{ id: given.policyId ?? given.name, groupId: given.policyGroupName, name: given.name },
        ...{ description: given.desc, type: given.policyType, document: given.policies },
      },
      caller,
    )
    return createdAnswer(made)
  })

  route('put', `${PREFIX}/:policyId`, async ({ caller, param, request }) => {
    const { name, desc, policies: document } = request(revisionRequest)
    return createdAnswer(
      await policies.revise(param('policyId'), { document, name, description: desc }, caller),
    )
  })

  route('post', `${PREFIX}/:policyId/group/:policygroupId/publish`, async ({ caller, param }) => {
    await requireInGroup(param('policyId'), param('policygroupId'))
    return policyAnswer(await policies.publish(param('policyId'), null, caller))
  })

  route('patch', `${PREFIX}/:policyId/group/:policygroupId`, async ({ caller, param, request }) => {
    await requireInGroup(param('policyId'), param('policygroupId'))
    const active = request(statusRequest).status.toLowerCase() === 'active'
    await policies.setActive(param('policyId'), active, caller)
    return { message: `status updated successfully` }
  })

  route('get', PREFIX, async () => {
    const found = await store.reads.policies.list({})
    return Promise.all(found.map((policy) => policyAnswer(policy)))
  })

  route('get', `${PREFIX}/group/all`, async () => {
    const groups = await store.reads.groups.list({})
    return groups.map(({ id, name, description, active }) => ({
      id,
      name,
      desc: description,
      isActive: active,
    }))
  })

  route('get', `${PREFIX}/:policyId`, async ({ param }) =>
    policyAnswer(await requirePolicy(param('policyId'))),
  )

  route('get', `${PREFIX}/:policyId/partner/:partnerId`, async ({ caller, param }) => {
    const [partnerId, policyId] = [param('partnerId'), param('policyId')]
    const partner = await store.reads.partners.get(partnerId)
    const own = caller.organisation === undefined || caller.organisation === partner?.organisation
    const [subscription] = await store.reads.subscriptions.list(
      { partnerId, policyId, state: 'approved' },
      { limit: 1 },
    )
    if (!own || subscription === undefined) {
      throw new KeyhavenError('POLICY_REFUSED', 'the partner has no approved subscription to this policy')
    }
    return policyAnswer(await requirePolicy(policyId))
  })

  async function requirePolicy(id: string): Promise<Policy> {
    const found = await store.reads.policies.get(id)
    if (found === undefined) throw new KeyhavenError('NOT_FOUND', `there is no policy ${id}`)
    return found
  }

  async function requireInGroup(id: string, groupId: string): Promise<void> {
    if ((await requirePolicy(id)).groupId !== groupId) {
      throw new KeyhavenError('NOT_FOUND', `policy ${id} is not in group ${groupId}`)
    }
  }

  async function policyAnswer(policy: Policy): Promise<object> {
    const group: PolicyGroup | undefined = await store.reads.groups.get(policy.groupId)
    return {
      ...{
        policyGroupId: policy.groupId,
        policyGroupName: group?.name ?? '',
        policyGroupDesc: group?.description ?? '',
      },
      ...{ policyGroupStatus: group?.active ?? false, policyId: policy.id, policyName: policy.name },
      ...{ policyDesc: policy.description, policyType: policy.type },
      publishDate: policy.publishedAt === null ? null : mosipTime(policy.publishedAt),
      validTill: policy.validUntil === null ? null : mosipTime(policy.validUntil),
      status: policy.state.toUpperCase(),
      ...{ version: String(policy.version), schema: SCHEMA_URL },
      policies: JSON.parse(policy.body === '' ? policy.draft : policy.body) as object,
    }
  }
}

function createdAnswer({ id, groupId, name, description }: Policy): object {
  return { id, policyGroupName: groupId, name, desc: description }
}
