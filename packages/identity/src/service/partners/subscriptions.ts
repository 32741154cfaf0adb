import { KeyhavenError } from '@keyhaven/crypto'
import { factsOfType } from '../../partners/partner-types.ts'
import { type PartnerCaller, requireManager, requireOwn } from './caller.ts'
import { checkedText, MAX_REASON_CHARS } from './checked-text.ts'
import { certificateOf } from './judge.ts'
import type { Subscription } from './partner-records.ts'
import type { PartnerService, PartnerServiceParts } from './partner-service.ts'

/** Which policies a partner asked for, and which of them it has. */
export function createSubscriptions(
  parts: PartnerServiceParts,
): Pick<PartnerService, 'requestPolicy' | 'decideSubscription' | 'endSubscription'> {
  const { store, announcer, randomUuid } = parts

  const decide = (
    id: string,
    from: Subscription['state'],
    to: Subscription['state'],
    reason: string,
    caller: PartnerCaller,
  ): Promise<Subscription> =>
    store.transaction(async (tx) => {
      const found = await tx.subscriptions.get(id)
      if (found === undefined) throw new KeyhavenError('NOT_FOUND', `there is no subscription ${id}`)
      const partner = requireOwn(caller, await tx.partners.get(found.partnerId), found.partnerId)
      if (found.state !== from) throw new KeyhavenError('CONFLICT', `the subscription is ${found.state}`)
      if (to === 'approved') await certificateOf(tx, partner, 'sign', tx.now)
      const decided: Subscription = {
        ...{ ...found, state: to, reason: checkedText('reason', reason, MAX_REASON_CHARS) },
        ...{ decidedAt: tx.now, decidedBy: caller.actor },
      }
      await tx.subscriptions.put(decided)
      if (to === 'approved') await parts.mayHaveMore(tx.outer, partner, caller.actor)
      const detail = { subscription: id, policy: found.policyId, state: to }
      tx.audit({ actor: caller.actor, action: 'partner.subscription', subject: found.partnerId, detail })
      await announcer.partnerChanged(tx, partner)
      return decided
    })

  return {
    requestPolicy: ({ partnerId, policyId, purpose }, caller) =>
      store.transaction(async (tx) => {
        const partner = requireOwn(caller, await tx.partners.get(partnerId), partnerId)
        const policy = await tx.policies.get(policyId)
        if (policy === undefined || policy.version === 0 || policy.groupId !== partner.groupId) {
          throw new KeyhavenError(
            'NOT_FOUND',
            `there is no published policy ${policyId} in the partner’s policy group`,
          )
        }
        if (factsOfType(partner.type).policy !== policy.type) {
          throw new KeyhavenError(
            'INPUT_INVALID',
            `policyId: a partner of type ${partner.type} asks for no such policy`,
          )
        }
        const same = await tx.subscriptions.list({ partnerId, policyId })
        if (same.some(({ state }) => state === 'requested' || state === 'approved')) {
          throw new KeyhavenError(
            'CONFLICT',
            'there is such a subscription already, or one that is not decided',
          )
        }
        const made: Subscription = {
          ...{ id: randomUuid(), partnerId, policyId, state: 'requested', reason: '' },
          purpose: checkedText('purpose', purpose, MAX_REASON_CHARS),
          ...{ requestedAt: tx.now, requestedBy: caller.actor, decidedAt: null, decidedBy: '' },
        }
        await tx.subscriptions.put(made)
        const detail = { subscription: made.id, policy: policyId, state: made.state }
        tx.audit({ actor: caller.actor, action: 'partner.subscription', subject: partnerId, detail })
        return made
      }),

    async decideSubscription(id, { approve, reason }, caller) {
      requireManager(caller)
      return decide(id, 'requested', approve ? 'approved' : 'refused', reason, caller)
    },

    endSubscription: (id, reason, caller) => decide(id, 'approved', 'ended', reason, caller),
  }
}
