import { KeyhavenError } from '@keyhaven/crypto'
import { judge } from './judge.ts'
import type { PartnerDecisions } from './partner-decisions.ts'
import type { PartnerStore } from './ports.ts'

/** @param clock - milliseconds since the epoch. */
export function createPartnerDecisions(store: PartnerStore, clock: () => number): PartnerDecisions {
  return {
    async decide(question) {
      try {
        return await judge(store.reads, question, clock())
      } catch (error) {
        if (!(error instanceof KeyhavenError)) throw error
        const { actor, partnerId, policyId, action } = question
        await store.transaction(async (tx) => {
          const detail = { policy: policyId, for: action, code: error.code, reason: error.message }
          tx.audit({ actor, action: 'partner.refuse', subject: partnerId, detail })
        })
        throw error
      }
    },
  }
}
