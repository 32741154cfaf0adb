import type { Jobs } from '../../platform/jobs/jobs.ts'
import type { StateTransaction } from '../../platform/state/state.ts'

export const BACKFILL_QUEUE = 'identity.backfill'

/**
 * Plans a backfill in the transaction after which an IDA may have credentials: its subscription was approved, it was
 * activated, its transport certificate came. What it still lacks then is found out by the job: the last of the three
 * starts it.
 */
export function planBackfill(
  jobs: Pick<Jobs, 'enqueue'>,
  applicationId: string,
): (transaction: StateTransaction, partner: string, actor: string) => Promise<void> {
  return async (transaction, partner, actor) => {
    await jobs.enqueue(transaction, {
      ...{ queue: BACKFILL_QUEUE, applicationId, payload: { partner, actor }, orderKey: partner },
    })
  }
}
