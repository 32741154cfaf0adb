import { type RawBuilder, type Selectable, sql } from 'kysely'
import type { Db, DbTransaction, Dialect } from '../database/schema.ts'
import type { IdentityJobsTable } from './tables.ts'

export type JobRow = Selectable<IdentityJobsTable>

export interface Claim {
  readonly queue: string
  readonly now: number
  readonly limit: number
  readonly leaseUntil: number
  /** Random, of this claim. */
  readonly lease: string
}

/** A job that may run now: due, held by nobody, and the first of its order. */
function runnable(queue: string, now: number): RawBuilder<boolean> {
  return sql<boolean>`
    j.queue = ${queue} and j.state = 'waiting' and j.not_before <= ${now} and j.lease_until <= ${now}
    and (j.order_key = '' or not exists (
      select 1 from identity_jobs earlier
      where earlier.application_id = j.application_id and earlier.queue = j.queue
        and earlier.order_key = j.order_key and earlier.id < j.id and earlier.state = 'waiting'))`
}

/** Whether it is worth taking the write lock. */
export async function hasRunnable(db: Db, queue: string, now: number): Promise<boolean> {
  const { rows } = await sql`select 1 from identity_jobs j where ${runnable(queue, now)} limit 1`.execute(db)
  return rows.length > 0
}

/** Takes jobs for this process; two processes never take the same one. */
export async function claimJobs(db: DbTransaction, dialect: Dialect, claim: Claim): Promise<JobRow[]> {
  const { queue, now, limit, leaseUntil, lease } = claim
  const skip = dialect === 'postgres' ? sql`for update of j skip locked` : sql``
  // Materialized: else PostgreSQL may look for the rows more than once, and find more than the limit.
  const { rows } = await sql<JobRow>`
    with due as materialized (
      select j.application_id, j.id from identity_jobs j where ${runnable(queue, now)}
      order by j.not_before, j.id limit ${limit} ${skip})
    update identity_jobs
    set lease_until = ${leaseUntil}, lease = ${lease}, attempts = attempts + 1, changed_at = ${now}
    where (application_id, id) in (select application_id, id from due)
    returning *`.execute(db)
  return rows.sort((a, b) => (a.id < b.id ? -1 : 1))
}

/** @returns false if another run has the job by now, or ended it. */
export async function endJob(
  db: DbTransaction,
  { application_id, id }: JobRow,
  lease: string,
): Promise<boolean> {
  const { numDeletedRows } = await db
    .deleteFrom('identity_jobs')
    .where((where) => where.and({ application_id, id, lease }))
    .executeTakeFirst()
  return numDeletedRows === 1n
}

/** @returns false if another run has the job by now, or ended it. */
export async function changeJob(
  db: Db | DbTransaction,
  { application_id, id }: JobRow,
  lease: string,
  change: Partial<JobRow>,
): Promise<boolean> {
  const { numUpdatedRows } = await db
    .updateTable('identity_jobs')
    .set(change)
    .where((where) => where.and({ application_id, id, lease }))
    .executeTakeFirst()
  return numUpdatedRows === 1n
}
