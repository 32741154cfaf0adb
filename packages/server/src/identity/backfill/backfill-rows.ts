import type { Selectable } from 'kysely'
import type { Db, DbTransaction } from '../../platform/database/schema.ts'
import type { StateTransaction } from '../../platform/state/state.ts'
import type { IdentityBackfillsTable } from './tables.ts'

/** One IDA and one policy. */
export interface BackfillPlace {
  readonly applicationId: string
  readonly partner: string
  readonly policyId: string
}

export type BackfillState = 'running' | 'done' | 'stopped'

/** How far one is. Times are milliseconds since the epoch. */
export interface Backfill {
  readonly partner: string
  readonly policyId: string
  readonly run: string
  readonly state: BackfillState
  readonly lastRecord: string
  /** Gone through, of so many at the start. */
  readonly people: number
  readonly total: number
  readonly startedBy: string
  readonly startedAt: number
  readonly changedAt: number
}

/** Begins from the start; what an earlier run had still to do is done by this one. */
export async function putBackfill(
  { db, now }: StateTransaction,
  { applicationId, partner, policyId }: BackfillPlace,
  { run, total, startedBy }: Pick<Backfill, 'run' | 'total' | 'startedBy'>,
): Promise<void> {
  const fresh = {
    ...{ run, state: 'running', last_record: '', people: 0, total, started_by: startedBy },
    ...{ started_at: now, changed_at: now },
  }
  await db
    .insertInto('identity_backfills')
    .values({ application_id: applicationId, partner_id: partner, policy_id: policyId, ...fresh })
    .onConflict((on) => on.columns(['application_id', 'partner_id', 'policy_id']).doUpdateSet(fresh))
    .execute()
}

export async function findBackfill(
  db: Db | DbTransaction,
  { applicationId, partner, policyId }: BackfillPlace,
): Promise<Backfill | undefined> {
  const row = await db
    .selectFrom('identity_backfills')
    .selectAll()
    .where('application_id', '=', applicationId)
    .where('partner_id', '=', partner)
    .where('policy_id', '=', policyId)
    .executeTakeFirst()
  return row && backfillOf(row)
}

export async function listBackfills(db: Db, applicationId: string): Promise<readonly Backfill[]> {
  const rows = await db
    .selectFrom('identity_backfills')
    .selectAll()
    .where('application_id', '=', applicationId)
    .orderBy('partner_id')
    .orderBy('policy_id')
    .execute()
  return rows.map(backfillOf)
}

/** @returns false if another run has begun since. */
export async function moveBackfill(
  { db, now }: StateTransaction,
  { applicationId, partner, policyId }: BackfillPlace,
  { run, state, lastRecord, people }: Pick<Backfill, 'run' | 'state' | 'lastRecord' | 'people'>,
): Promise<boolean> {
  const { numUpdatedRows } = await db
    .updateTable('identity_backfills')
    .set({ state, last_record: lastRecord, people, changed_at: now })
    .where('application_id', '=', applicationId)
    .where('partner_id', '=', partner)
    .where('policy_id', '=', policyId)
    .where('run', '=', run)
    .executeTakeFirst()
  return numUpdatedRows === 1n
}

function backfillOf(row: Selectable<IdentityBackfillsTable>): Backfill {
  return {
    ...{ partner: row.partner_id, policyId: row.policy_id, run: row.run },
    ...{ state: row.state as BackfillState, lastRecord: row.last_record },
    ...{ people: row.people, total: row.total, startedBy: row.started_by },
    ...{ startedAt: row.started_at, changedAt: row.changed_at },
  }
}
