import { sql } from 'kysely'
import type { Db, DbTransaction } from '../platform/database/schema.ts'
import { admitInstallations } from './admit-installations.ts'
import type { HourCount, LastCall, UsageBatch } from './usage-counter.ts'
import { slices, sorted } from './usage-rows.ts'

/** Usage older than this is forgotten, and with it installations that did not call since. */
export const USAGE_RETENTION_DAYS = 90
const MS_PER_DAY = 86_400_000
/**
 * Installations that one application can be given in an hour. A client can invent them: without a bound it
 * fills the database and the verdict with installations that do not exist. Known ones are always updated.
 */
export const MAX_NEW_INSTALLATIONS_PER_HOUR = 10_000
const MAX_SERIES_ROWS = 20_000

export interface HourUsage {
  readonly hour: number
  readonly keyUuid: string
  readonly appVersion: string
  readonly requests: number
}

/** How many installations called last with this key, by version and trust. */
export interface InstallationCount {
  readonly keyUuid: string
  readonly appVersion: string
  readonly trust: 'manifest' | 'pinned'
  readonly installations: number
}

export interface UsageStore {
  /**
   * All of it or nothing, so that what could not be written can be tried again.
   * @returns how many installations were left out, as too many new ones came within an hour.
   */
  add(batch: UsageBatch): Promise<number>
  /** Full hours that end after `from`, oldest first. */
  hours(applicationId: string, from: number): Promise<readonly HourUsage[]>
  /** Installations whose last call is not older than `from`. */
  installations(applicationId: string, from: number): Promise<readonly InstallationCount[]>
  /**
   * How many installations were left out in the hours from `from` on; one that called often may count often.
   */
  installationsLeftOut(applicationId: string, from: number): Promise<number>
  /** Milliseconds, by the key's UUID. */
  keysLastUsed(applicationId: string): Promise<ReadonlyMap<string, number>>
  prune(now: number): Promise<void>
}

/** Usage in the database, added to by every process. */
export function createUsageStore(
  db: Db,
  maxNewInstallationsPerHour: number = MAX_NEW_INSTALLATIONS_PER_HOUR,
): UsageStore {
  return {
    async add(batch) {
      const hours = sorted(batch.hours, (h) => `${h.applicationId} ${h.hour} ${h.keyUuid} ${h.appVersion}`)
      const keys = sorted(lastUsedKeys(batch), (k) => k.key_uuid)
      const { lastCalls, leftOut } = batch
      if (hours.length + lastCalls.length + leftOut.length + keys.length === 0) return 0
      return db.transaction().execute(async (transaction) => {
        for (const rows of slices(hours)) await addHours(transaction, rows)
        const admitted = await admitInstallations(transaction, lastCalls, leftOut, maxNewInstallationsPerHour)
        const written = sorted(admitted.lastCalls, (l) => `${l.applicationId} ${l.installationId}`)
        for (const rows of slices(written)) await setLastCalls(transaction, rows)
        for (const rows of slices(keys)) await setKeysLastUsed(transaction, rows)
        return admitted.leftOut
      })
    },

    async hours(applicationId, from) {
      const rows = await db
        .selectFrom('usage_hours')
        .select(['hour', 'key_uuid', 'app_version', 'requests'])
        .where('application_id', '=', applicationId)
        .where('hour', '>=', from)
        .orderBy('hour')
        .orderBy('key_uuid')
        .orderBy('app_version')
        .limit(MAX_SERIES_ROWS)
        .execute()
      return rows.map((row) => ({
        hour: row.hour,
        keyUuid: row.key_uuid,
        appVersion: row.app_version,
        requests: row.requests,
      }))
    },

    async installations(applicationId, from) {
      const rows = await db
        .selectFrom('installations')
        .select(['key_uuid', 'app_version', 'trust', ({ fn }) => fn.countAll<number | string>().as('found')])
        .where('application_id', '=', applicationId)
        .where('last_used_at', '>=', from)
        .groupBy(['key_uuid', 'app_version', 'trust'])
        .execute()
      return rows.map((row) => ({
        keyUuid: row.key_uuid,
        appVersion: row.app_version,
        trust: row.trust === 'pinned' ? 'pinned' : 'manifest',
        installations: Number(row.found),
      }))
    },

    async installationsLeftOut(applicationId, from) {
      const { found } = await db
        .selectFrom('installation_hours')
        .select(({ fn }) => fn.sum<number | string | null>('left_out').as('found'))
        .where('application_id', '=', applicationId)
        .where('hour', '>=', from)
        .executeTakeFirstOrThrow()
      return Number(found ?? 0)
    },

    async keysLastUsed(applicationId) {
      const rows = await db
        .selectFrom('usage_keys')
        .select(['key_uuid', 'last_used_at'])
        .where('application_id', '=', applicationId)
        .execute()
      return new Map(rows.map((row) => [row.key_uuid, row.last_used_at]))
    },

    async prune(now) {
      const limit = now - USAGE_RETENTION_DAYS * MS_PER_DAY
      await db.deleteFrom('usage_hours').where('hour', '<', limit).execute()
      await db.deleteFrom('installation_hours').where('hour', '<', limit).execute()
      await db.deleteFrom('installations').where('last_used_at', '<', limit).execute()
    },
  }
}

async function addHours(db: DbTransaction, rows: readonly HourCount[]): Promise<void> {
  await db
    .insertInto('usage_hours')
    .values(
      rows.map((row) => ({
        application_id: row.applicationId,
        hour: row.hour,
        key_uuid: row.keyUuid,
        app_version: row.appVersion,
        requests: row.requests,
      })),
    )
    .onConflict((conflict) =>
      conflict.columns(['application_id', 'hour', 'key_uuid', 'app_version']).doUpdateSet({
        requests: sql<number>`usage_hours.requests + excluded.requests`,
      }),
    )
    .execute()
}

/** Another process may have written a later call: the later one stays. */
async function setLastCalls(db: DbTransaction, rows: readonly LastCall[]): Promise<void> {
  await db
    .insertInto('installations')
    .values(
      rows.map((row) => ({
        application_id: row.applicationId,
        installation_id: row.installationId,
        key_uuid: row.keyUuid,
        last_used_at: row.at,
        app_version: row.appVersion,
        sdk_version: row.sdkVersion,
        trust: row.trust,
      })),
    )
    .onConflict((conflict) =>
      conflict
        .columns(['application_id', 'installation_id'])
        .doUpdateSet((expression) => ({
          key_uuid: expression.ref('excluded.key_uuid'),
          last_used_at: expression.ref('excluded.last_used_at'),
          app_version: expression.ref('excluded.app_version'),
          sdk_version: expression.ref('excluded.sdk_version'),
          trust: expression.ref('excluded.trust'),
        }))
        .whereRef('excluded.last_used_at', '>=', 'installations.last_used_at'),
    )
    .execute()
}

interface KeyLastUsed {
  readonly key_uuid: string
  readonly application_id: string
  readonly last_used_at: number
}

async function setKeysLastUsed(db: DbTransaction, rows: readonly KeyLastUsed[]): Promise<void> {
  await db
    .insertInto('usage_keys')
    .values([...rows])
    .onConflict((conflict) =>
      conflict
        .column('key_uuid')
        .doUpdateSet((expression) => ({ last_used_at: expression.ref('excluded.last_used_at') }))
        .whereRef('excluded.last_used_at', '>', 'usage_keys.last_used_at'),
    )
    .execute()
}

function lastUsedKeys(batch: UsageBatch): KeyLastUsed[] {
  return [...batch.keys].map(([key_uuid, { applicationId, at }]) => ({
    key_uuid,
    application_id: applicationId,
    last_used_at: at,
  }))
}
