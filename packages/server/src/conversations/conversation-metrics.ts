import type { ConversationService, ConversationStore } from '@keyhaven/conversations/service'
import { KeyhavenError } from '@keyhaven/crypto'
import type { MetricsRegistry } from '../platform/metrics/registry.ts'

const OTHER_FAULT = 'INTERNAL'

/** Counts what conversations do: no label names anybody. */
export interface ConversationMetrics {
  countStore(store: ConversationStore): ConversationStore
  countReleases(service: ConversationService): ConversationService
}

export function createConversationMetrics(metrics: MetricsRegistry): ConversationMetrics {
  const releases = metrics.counter(
    'keyhaven_conversation_releases_total',
    'Keys asked for, by outcome: ok, or the code of the refusal.',
  )
  const receipts = metrics.counter('keyhaven_conversation_receipts_total', 'Receipts written.')
  const batched = metrics.histogram(
    'keyhaven_conversation_batch_releases',
    'Keys asked for in one transaction, of those in which any was.',
    [1, 10, 100],
  )
  const refused = (error: unknown, keys: number) =>
    releases.add({ outcome: error instanceof KeyhavenError ? error.code : OTHER_FAULT }, keys)

  return {
    countStore: (store) => ({
      ...store,
      async transaction(run) {
        let written = 0
        let asked = 0
        const result = await store.transaction((tx) => {
          // Anew at each try of the transaction.
          written = 0
          asked = 0
          return run({
            ...tx,
            insertReceipts(rows) {
              written += rows.length
              return tx.insertReceipts(rows)
            },
            releaseFacts(questions) {
              asked += questions.length
              return tx.releaseFacts(questions)
            },
          })
        })
        if (written > 0) receipts.add({}, written)
        if (asked > 0) batched.observe(asked)
        return result
      },
    }),
    countReleases: (service) => ({
      ...service,
      async release(...call) {
        try {
          const key = await service.release(...call)
          releases.add({ outcome: 'ok' })
          return key
        } catch (error) {
          refused(error, 1)
          throw error
        }
      },
      async releaseMany(application, caller, keys) {
        try {
          const answer = await service.releaseMany(application, caller, keys)
          if (answer.keys.length > 0) releases.add({ outcome: 'ok' }, answer.keys.length)
          for (const { code } of answer.refused) releases.add({ outcome: code })
          return answer
        } catch (error) {
          refused(error, keys.length)
          throw error
        }
      },
    }),
  }
}
