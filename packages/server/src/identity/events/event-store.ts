import type { EventStore, IdentityAuditEntry, OutboxEvent } from '@keyhaven/identity/service'
import { sql } from 'kysely'
import type { Jobs } from '../../platform/jobs/jobs.ts'
import type { State, StateTransaction } from '../../platform/state/state.ts'
import { appendAudit } from '../partners/partner-store.ts'
import { createRecords, toRecord } from '../partners/record-rows.ts'

/** Jobs that look at a partner's events. */
export const EVENT_QUEUE = 'identity-events'
/** Of IDAs alone: webhooks of others that take their time do not keep an IDA from hearing who has ended. */
export const IDA_EVENT_QUEUE = 'identity-events-ida'

export function createEventStore(
  state: State,
  applicationId: string,
  jobs: Pick<Jobs, 'enqueue' | 'hurry'>,
): EventStore<StateTransaction> {
  const mine = { application_id: applicationId }
  const queueOf = async ({ db }: StateTransaction, partnerId: string) => {
    const ida = await db
      .selectFrom('identity_partners')
      .select('id')
      .where((where) => where.and({ ...mine, id: partnerId, type: 'Online_Verification_Partner' }))
      .executeTakeFirst()
    return ida === undefined ? EVENT_QUEUE : IDA_EVENT_QUEUE
  }
  const wake = async (tx: StateTransaction, partnerId: string) => {
    const queue = await queueOf(tx, partnerId)
    await jobs.enqueue(tx, { queue, applicationId, orderKey: partnerId, payload: { partner: partnerId } })
  }
  return {
    events: createRecords<OutboxEvent>(state.db, applicationId, 'identity_events'),

    async newest({ state: wanted, partnerId }, { before, limit }) {
      let query = state.db
        .selectFrom('identity_events')
        .selectAll()
        .where('application_id', '=', applicationId)
      if (wanted !== undefined) query = query.where('state', '=', wanted)
      if (partnerId !== undefined) query = query.where('partner_id', '=', partnerId)
      if (before !== undefined) query = query.where('sequence', '<', before)
      const rows = await query.orderBy('sequence', 'desc').limit(limit).execute()
      return rows.map((row) => toRecord<OutboxEvent>(row))
    },

    async nextSequence({ db, now }) {
      // Not below the time: a database that was restored would count on from a number that IDAs have passed, and
      // what they were told then, of a partner that was revoked perhaps, they would take for old.
      const time = sql<number>`cast(${now} as bigint)`
      const counted = sql.ref('identity_event_counters.last')
      const { last } = await db
        .insertInto('identity_event_counters')
        .values({ ...mine, last: time })
        .onConflict((conflict) =>
          conflict.column('application_id').doUpdateSet({
            last: sql<number>`case when ${counted} < ${time} then ${time} else ${counted} + 1 end`,
          }),
        )
        .returning('last')
        .executeTakeFirstOrThrow()
      return last
    },

    put: (tx, event) => createRecords<OutboxEvent>(tx.db, applicationId, 'identity_events').put(event),

    async hasWebhook({ db }, partnerId) {
      const row = await db
        .selectFrom('identity_partners')
        .select('webhook_url')
        .where((where) => where.and({ ...mine, id: partnerId }))
        .executeTakeFirst()
      return row !== undefined && row.webhook_url !== ''
    },

    async ofPartner(partnerId, wanted, limit, tx) {
      const rows = await (tx?.db ?? state.db)
        .selectFrom('identity_events')
        .selectAll()
        .where('application_id', '=', applicationId)
        .where('partner_id', '=', partnerId)
        .where('state', '=', wanted)
        .orderBy('sequence')
        .limit(limit)
        .execute()
      return rows.map((row) => toRecord<OutboxEvent>(row))
    },

    transaction: (work) => state.transaction((tx) => work(tx, tx.now)),

    wake,

    async hurry(tx, partnerId) {
      await jobs.hurry(tx, { queue: await queueOf(tx, partnerId), applicationId, orderKey: partnerId })
      await wake(tx, partnerId)
    },

    async prune(tx, before) {
      const { numDeletedRows } = await tx.db
        .deleteFrom('identity_events')
        .where('application_id', '=', applicationId)
        .where('state', '!=', 'waiting')
        .where('changed_at', '<', before)
        .executeTakeFirst()
      return Number(numDeletedRows)
    },

    audit: (tx, entry) => appendAudit(state, tx, applicationId, entry as IdentityAuditEntry),
  }
}
