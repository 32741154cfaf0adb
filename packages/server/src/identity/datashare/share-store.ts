import type { PartnerReads, Share, ShareStore, ShareTransaction } from '@keyhaven/identity/service'
import { type RawBuilder, sql } from 'kysely'
import type { State, StateTransaction } from '../../platform/state/state.ts'
import { partnerTransaction } from '../partners/partner-store.ts'
import { createRecords, toRecord, toRow } from '../partners/record-rows.ts'

/** @param partnerReads - of the same application. */
export function createShareStore(
  state: State,
  applicationId: string,
  partnerReads: PartnerReads,
): ShareStore<StateTransaction> {
  const { db } = state
  const mine = { application_id: applicationId }
  return {
    partnerReads,
    shares: createRecords<Share>(db, applicationId, 'identity_shares'),

    async find({ policyId, subscriberId, shareKey }) {
      const row = await db
        .selectFrom('identity_shares')
        .selectAll()
        .where((where) =>
          where.and({ ...mine, policy_id: policyId, subscriber_id: subscriberId, share_key: shareKey }),
        )
        .executeTakeFirst()
      return row && toRecord<Share>(row)
    },

    async isReadable(share, now) {
      const { rows } = await sql`
        select 1 from identity_shares as share
        where ${mayBeRead(applicationId, share, now)} and share.remaining <> 0`.execute(db)
      return rows.length === 1
    },

    transaction: (work) => state.transaction((tx) => work(shareTransaction(state, tx, applicationId))),

    async over(before, limit) {
      const rows = await db
        .selectFrom('identity_shares')
        .selectAll()
        .where('application_id', '=', applicationId)
        .where('state', '!=', 'deleted')
        .where((where) => where.or([where('state', '=', 'ended'), where('expires_at', '<=', before)]))
        .orderBy('expires_at')
        .limit(limit)
        .execute()
      return rows.map((row) => toRecord<Share>(row))
    },

    forgetObject: ({ id }) =>
      state.transaction(async (tx) => {
        const change = { state: 'deleted', signature: '' } as const
        await tx.db
          .updateTable('identity_shares')
          .set(change)
          .where((where) => where.and({ ...mine, id }))
          .execute()
      }),

    async prune(before) {
      await db
        .deleteFrom('identity_share_reads')
        .where('application_id', '=', applicationId)
        .where('began_at', '<', before)
        .execute()
      await db
        .deleteFrom('identity_share_nonces')
        .where('application_id', '=', applicationId)
        .where('until', '<', before)
        .execute()
    },
  }
}

/** The share is live, and partner, certificate, policy version and subscription are good. */
function mayBeRead(applicationId: string, { id }: Share, now: number): RawBuilder<unknown> {
  return sql`share.application_id = ${applicationId} and share.id = ${id} and share.state = 'live'
    and share.expires_at > ${now}
    and exists (select 1 from identity_partners partner
      where partner.application_id = share.application_id and partner.id = share.subscriber_id
        and partner.state = 'active' and partner.profile = share.profile)
    and exists (select 1 from identity_policies policy
      join identity_policy_groups grp
        on grp.application_id = policy.application_id and grp.id = policy.group_id and grp.active = 1
      where policy.application_id = share.application_id and policy.id = share.policy_id
        and policy.state = 'active' and policy.version = share.policy_version
        and (policy.valid_until is null or policy.valid_until > ${now}))
    and exists (select 1 from identity_subscriptions subscription
      where subscription.application_id = share.application_id
        and subscription.partner_id = share.subscriber_id and subscription.policy_id = share.policy_id
        and subscription.state = 'approved')
    and exists (select 1 from identity_partner_certificates certificate
      where certificate.application_id = share.application_id and certificate.id = share.certificate_id
        and certificate.partner_id = share.subscriber_id and certificate.state = 'active'
        and certificate.valid_from <= ${now} and certificate.valid_until > ${now})`
}

function shareTransaction(
  state: State,
  tx: StateTransaction,
  applicationId: string,
): ShareTransaction<StateTransaction> {
  const { db, now } = tx
  const mine = { application_id: applicationId }
  return {
    partners: partnerTransaction(state, tx, applicationId),

    async insert(share) {
      await db
        .insertInto('identity_shares')
        .values({ ...mine, ...toRow(share) } as never)
        .execute()
    },

    async take(share, counts) {
      const taken = counts
        ? sql`case when remaining < 0 then remaining else remaining - 1 end`
        : sql`remaining`
      const { rows } = await sql`
        update identity_shares as share set remaining = ${taken}
        where ${mayBeRead(applicationId, share, now)} ${counts ? sql`and share.remaining <> 0` : sql``}
        returning id`.execute(db)
      return rows.length === 1
    },

    async readBegan(shareId, actor) {
      const row = await db
        .selectFrom('identity_share_reads')
        .select('began_at')
        .where((where) => where.and({ ...mine, share_id: shareId, actor }))
        .executeTakeFirst()
      return row?.began_at
    },

    async noteRead(shareId, actor) {
      await db
        .insertInto('identity_share_reads')
        .values({ ...mine, share_id: shareId, actor, began_at: now })
        .onConflict((conflict) =>
          conflict.columns(['application_id', 'share_id', 'actor']).doUpdateSet({ began_at: now }),
        )
        .execute()
    },

    async useNonce(partnerId, nonce, until) {
      const row = await db
        .insertInto('identity_share_nonces')
        .values({ ...mine, partner_id: partnerId, nonce, until })
        .onConflict((conflict) => conflict.columns(['application_id', 'partner_id', 'nonce']).doNothing())
        .returning('nonce')
        .executeTakeFirst()
      return row !== undefined
    },

    async end(id) {
      const row = await db
        .updateTable('identity_shares')
        .set({ state: 'ended' })
        .where((where) => where.and({ ...mine, id, state: 'live' }))
        .returningAll()
        .executeTakeFirst()
      return row && toRecord<Share>(row)
    },
  }
}
