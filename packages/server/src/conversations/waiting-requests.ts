import type { Db } from '../platform/database/schema.ts'
import type { MetricsRegistry } from '../platform/metrics/registry.ts'

/**
 * Shows on /metrics how many requests for sealed keys wait for a member's device: one process of a server does
 * it, as the database is the same for all.
 *
 * @returns counts them anew, for the gauge.
 */
export function createWaitingRequests(db: Db, metrics: MetricsRegistry): () => Promise<void> {
  let waiting = 0
  metrics.gauge(
    'keyhaven_conversation_key_requests',
    'Requests for sealed keys that wait for a device of a member, as of half a minute ago at most.',
    () => waiting,
  )
  return async () => {
    const row = await db
      .selectFrom('conversation_requests')
      .select(({ fn }) => fn.countAll<number | string>().as('waiting'))
      .executeTakeFirstOrThrow()
    waiting = Number(row.waiting)
  }
}
