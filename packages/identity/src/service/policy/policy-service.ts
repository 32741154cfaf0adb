import { KeyhavenError } from '@keyhaven/crypto'
import { DEFAULT_POLICIES } from '../../policy/default-policies.ts'
import { type PolicyLimits, parsePolicy } from '../../policy/parse-policy.ts'
import type { PolicyType } from '../../policy/policy-document.ts'
import { type PartnerCaller, requireManager } from '../partners/caller.ts'
import { checkedId, checkedText } from '../partners/checked-text.ts'
import type { PartnerAnnouncer } from '../partners/partner-announcer.ts'
import type { Policy, PolicyGroup } from '../partners/partner-records.ts'
import type { PartnerStore, PartnerTransaction } from '../partners/ports.ts'

const MAX_NAME_CHARS = 128
const MAX_DESCRIPTION_CHARS = 256
/** JSON text of a policy. */
const MAX_DOCUMENT_CHARS = 65_536

export interface PolicyToDefine {
  readonly id: string
  readonly groupId: string
  readonly name: string
  readonly description: string
  readonly type: PolicyType
  /** MOSIP's JSON, as text or parsed. */
  readonly document: unknown
}

/** Policies and their groups. Every method throws `ACCESS_DENIED` unless the caller manages partners. */
export interface PolicyService {
  /** @throws KeyhavenError `CONFLICT` if the id is taken. */
  defineGroup(
    group: Pick<PolicyGroup, 'id' | 'name' | 'description'>,
    caller: PartnerCaller,
  ): Promise<PolicyGroup>
  setGroupActive(id: string, active: boolean, caller: PartnerCaller): Promise<PolicyGroup>
  /**
   * A new policy, as a draft.
   *
   * @throws KeyhavenError `INPUT_INVALID` with the JSON pointer of what is wrong, `CONFLICT`, `NOT_FOUND`
   *   (group).
   */
  define(policy: PolicyToDefine, caller: PartnerCaller): Promise<Policy>
  /** The next version, as a draft: what is published stays until it is published. */
  revise(
    id: string,
    change: { readonly document: unknown; readonly name?: string; readonly description?: string },
    caller: PartnerCaller,
  ): Promise<Policy>
  /**
   * The draft counts from now on. Shares made under the version before end with it.
   *
   * @param validUntil - milliseconds since the epoch; null: it does not end by itself.
   * @throws KeyhavenError `CONFLICT` if there is no draft, `INPUT_INVALID` if it ends in the past.
   */
  publish(id: string, validUntil: number | null, caller: PartnerCaller): Promise<Policy>
  setActive(id: string, active: boolean, caller: PartnerCaller): Promise<Policy>
  /** Adds and publishes MOSIP's policies that are not there. @returns their ids. */
  installDefaults(caller: PartnerCaller): Promise<readonly string[]>
}

export interface PolicyServiceParts {
  readonly store: PartnerStore
  readonly limits: PolicyLimits
  readonly announcer: PartnerAnnouncer
}

export function createPolicyService({ store, limits, announcer }: PolicyServiceParts): PolicyService {
  const change = async <T>(
    caller: PartnerCaller,
    work: (tx: PartnerTransaction) => Promise<T>,
  ): Promise<T> => {
    requireManager(caller)
    return store.transaction(work)
  }

  const draftOf = (type: PolicyType, document: unknown): string => {
    const text = typeof document === 'string' ? document : JSON.stringify(document)
    if (text === undefined || text.length > MAX_DOCUMENT_CHARS) {
      throw new KeyhavenError(
        'INPUT_INVALID',
        `the document: at most ${MAX_DOCUMENT_CHARS} characters of JSON`,
      )
    }
    parsePolicy(type, text, limits)
    return JSON.stringify(JSON.parse(text))
  }

  const defineIn = async (
    tx: PartnerTransaction,
    input: PolicyToDefine,
    caller: PartnerCaller,
  ): Promise<Policy> => {
    const id = checkedId('id', input.id)
    if ((await tx.groups.get(input.groupId)) === undefined) {
      throw new KeyhavenError('NOT_FOUND', `there is no policy group ${input.groupId}`)
    }
    if ((await tx.policies.get(id)) !== undefined) throw taken('policy', id)
    const policy: Policy = {
      ...{ id, groupId: input.groupId, type: input.type, version: 0, body: '', state: 'draft' },
      name: checkedText('name', input.name, MAX_NAME_CHARS),
      description: checkedText('description', input.description, MAX_DESCRIPTION_CHARS, 0),
      draft: draftOf(input.type, input.document),
      ...{
        publishedAt: null,
        validUntil: null,
        createdAt: tx.now,
        changedAt: tx.now,
        changedBy: caller.actor,
      },
    }
    await tx.policies.put(policy)
    tx.audit({ actor: caller.actor, action: 'policy.define', subject: id, detail: { type: input.type } })
    return policy
  }

  const groupIn = async (
    tx: PartnerTransaction,
    input: Pick<PolicyGroup, 'id' | 'name' | 'description'>,
    caller: PartnerCaller,
  ): Promise<PolicyGroup> => {
    const id = checkedId('id', input.id)
    if ((await tx.groups.get(id)) !== undefined) throw taken('policy group', id)
    const group: PolicyGroup = {
      id,
      name: checkedText('name', input.name, MAX_NAME_CHARS),
      description: checkedText('description', input.description, MAX_DESCRIPTION_CHARS, 0),
      ...{ active: true, createdAt: tx.now },
    }
    await tx.groups.put(group)
    tx.audit({ actor: caller.actor, action: 'policy.group', subject: id, detail: { active: true } })
    return group
  }

  const publishIn = async (
    tx: PartnerTransaction,
    policy: Policy,
    validUntil: number | null,
    { actor }: PartnerCaller,
  ): Promise<Policy> => {
    if (policy.draft === '')
      throw new KeyhavenError('CONFLICT', `policy ${policy.id} has no draft to publish`)
    if (validUntil !== null && validUntil <= tx.now) {
      throw new KeyhavenError('INPUT_INVALID', 'validUntil: a time in the future')
    }
    parsePolicy(policy.type, policy.draft, limits)
    const version = policy.version + 1
    const published: Policy = {
      ...{ ...policy, version, body: policy.draft, draft: '', state: 'active' as const },
      ...{ publishedAt: tx.now, validUntil, changedAt: tx.now, changedBy: actor },
    }
    await tx.policies.put(published)
    await tx.policyVersions.put({
      ...{ id: `${policy.id}/${version}`, policyId: policy.id, version, body: policy.draft },
      ...{ publishedAt: tx.now, publishedBy: actor },
    })
    tx.audit({ actor, action: 'policy.publish', subject: policy.id, detail: { version } })
    await announcer.policyChanged(tx, policy.id)
    return published
  }

  return {
    defineGroup: (input, caller) => change(caller, (tx) => groupIn(tx, input, caller)),

    setGroupActive: (id, active, caller) =>
      change(caller, async (tx) => {
        const group = await tx.groups.get(id)
        if (group === undefined) throw new KeyhavenError('NOT_FOUND', `there is no policy group ${id}`)
        await tx.groups.put({ ...group, active })
        tx.audit({ actor: caller.actor, action: 'policy.group', subject: id, detail: { active } })
        for (const policy of await tx.policies.list({ groupId: id }))
          await announcer.policyChanged(tx, policy.id)
        return { ...group, active }
      }),

    define: (input, caller) => change(caller, (tx) => defineIn(tx, input, caller)),

    revise: (id, { document, name, description }, caller) =>
      change(caller, async (tx) => {
        const policy = await requirePolicy(tx, id)
        const revised: Policy = {
          ...policy,
          draft: draftOf(policy.type, document),
          name: checkedText('name', name ?? policy.name, MAX_NAME_CHARS),
          description: checkedText(
            'description',
            description ?? policy.description,
            MAX_DESCRIPTION_CHARS,
            0,
          ),
          ...{ changedAt: tx.now, changedBy: caller.actor },
        }
        await tx.policies.put(revised)
        tx.audit({
          actor: caller.actor,
          action: 'policy.define',
          subject: id,
          detail: { version: policy.version + 1 },
        })
        return revised
      }),

    publish: (id, validUntil, caller) =>
      change(caller, async (tx) => publishIn(tx, await requirePolicy(tx, id), validUntil, caller)),

    setActive: (id, active, caller) =>
      change(caller, async (tx) => {
        const policy = await requirePolicy(tx, id)
        if (policy.version === 0) throw new KeyhavenError('CONFLICT', `policy ${id} was never published`)
        const changed: Policy = {
          ...{ ...policy, state: active ? 'active' : 'inactive', changedAt: tx.now, changedBy: caller.actor },
        }
        await tx.policies.put(changed)
        tx.audit({
          actor: caller.actor,
          action: 'policy.state',
          subject: id,
          detail: { state: changed.state },
        })
        await announcer.policyChanged(tx, id)
        return changed
      }),

    installDefaults: (caller) =>
      change(caller, async (tx) => {
        const added: string[] = []
        for (const { id, groupId, type, document } of DEFAULT_POLICIES) {
          if ((await tx.policies.get(id)) !== undefined) continue
          if ((await tx.groups.get(groupId)) === undefined) {
            await groupIn(tx, { id: groupId, name: groupId, description: 'MOSIP default' }, caller)
          }
          const policy = await defineIn(
            tx,
            { id, groupId, name: id, description: 'MOSIP default', type, document },
            caller,
          )
          await publishIn(tx, policy, null, caller)
          added.push(id)
        }
        return added
      }),
  }
}

async function requirePolicy(tx: PartnerTransaction, id: string): Promise<Policy> {
  const policy = await tx.policies.get(id)
  if (policy === undefined) throw new KeyhavenError('NOT_FOUND', `there is no policy ${id}`)
  return policy
}

function taken(what: string, id: string): KeyhavenError {
  return new KeyhavenError('CONFLICT', `there is a ${what} ${id} already`)
}
