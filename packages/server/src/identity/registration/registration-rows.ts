import type { RegistrationStage } from '@keyhaven/identity'
import type { StageChange, StoredRegistration } from '@keyhaven/identity/service'
import type { Selectable } from 'kysely'
import { sql } from 'kysely'
import type { Db, DbTransaction } from '../../platform/database/schema.ts'
import type { StateTransaction } from '../../platform/state/state.ts'
import type { IdentityRegistrationsTable } from './tables.ts'

/** Columns that a registration is made of: not its sealed demographics. */
const COLUMNS = [
  'rid',
  'ref_id',
  'stage',
  'reason',
  'attempt',
  'packet',
  'packet_bytes',
  'packet_hash',
  'officer',
  'receipt',
  'record',
  'received_at',
  'changed_at',
] as const

export interface RegistrationEvent {
  readonly stage: RegistrationStage
  readonly reason: string | null
  /** Milliseconds since the epoch. */
  readonly at: number
}

export interface RegistrationPage {
  readonly stage?: RegistrationStage | undefined
  /** Where the page before ended: newest first. */
  readonly before?: { readonly at: number; readonly rid: string } | undefined
  readonly limit: number
}

export async function findRegistration(
  db: Db | DbTransaction,
  applicationId: string,
  rid: string,
): Promise<StoredRegistration | undefined> {
  const row = await db
    .selectFrom('identity_registrations')
    .select(COLUMNS)
    .where('application_id', '=', applicationId)
    .where('rid', '=', rid)
    .executeTakeFirst()
  return row && registrationOf(row)
}

/** Newest change first. */
export async function listRegistrations(
  db: Db,
  applicationId: string,
  { stage, before, limit }: RegistrationPage,
): Promise<readonly StoredRegistration[]> {
  let query = db
    .selectFrom('identity_registrations')
    .select(COLUMNS)
    .where('application_id', '=', applicationId)
  if (stage !== undefined) query = query.where('stage', '=', stage)
  if (before !== undefined) {
    query = query.where(sql<boolean>`(changed_at, rid) < (${before.at}, ${before.rid})`)
  }
  const rows = await query.orderBy('changed_at', 'desc').orderBy('rid', 'desc').limit(limit).execute()
  return rows.map(registrationOf)
}

export async function countStages(
  db: Db,
  applicationId: string,
): Promise<ReadonlyMap<RegistrationStage, number>> {
  const rows = await db
    .selectFrom('identity_registrations')
    .select(({ fn }) => ['stage', fn.countAll<number | string>().as('count')])
    .where('application_id', '=', applicationId)
    .groupBy('stage')
    .execute()
  return new Map(rows.map(({ stage, count }) => [stage as RegistrationStage, Number(count)]))
}

/** Oldest first. */
export async function registrationHistory(
  db: Db,
  applicationId: string,
  rid: string,
): Promise<readonly RegistrationEvent[]> {
  const rows = await db
    .selectFrom('identity_registration_events')
    .select(['stage', 'reason', 'at'])
    .where('application_id', '=', applicationId)
    .where('rid', '=', rid)
    .orderBy('sequence')
    .execute()
  return rows.map((row) => ({ ...row, stage: row.stage as RegistrationStage }))
}

/** A line of the history, behind those that are there. The caller has just changed the row, so holds its lock. */
export async function addEvent(
  { db, now }: StateTransaction,
  applicationId: string,
  rid: string,
  { stage, reason = null }: Pick<StageChange, 'stage'> & { reason?: string | null },
): Promise<void> {
  const { last } = await db
    .selectFrom('identity_registration_events')
    .select(({ fn }) => fn.max('sequence').as('last'))
    .where('application_id', '=', applicationId)
    .where('rid', '=', rid)
    .executeTakeFirstOrThrow()
  const sequence = last === null ? 0 : Number(last) + 1
  await db
    .insertInto('identity_registration_events')
    .values({ application_id: applicationId, rid, sequence, stage, reason, at: now })
    .execute()
}

type Row = Pick<Selectable<IdentityRegistrationsTable>, (typeof COLUMNS)[number]>

function registrationOf(row: Row): StoredRegistration {
  return {
    rid: row.rid,
    refId: row.ref_id,
    stage: row.stage as RegistrationStage,
    reason: row.reason,
    attempt: row.attempt,
    packet: row.packet,
    packetBytes: row.packet_bytes,
    packetHash: row.packet_hash,
    officer: row.officer,
    receipt: row.receipt,
    record: row.record,
    receivedAt: row.received_at,
    changedAt: row.changed_at,
  }
}
