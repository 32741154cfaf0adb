import type { Profile } from '@keyhaven/identity'
import type {
  IdentityChange,
  RecordStatus,
  RepositoryReads,
  RepositoryStore,
  StoredFileRef,
  StoredRecord,
  StoredVersion,
  StoredVid,
} from '@keyhaven/identity/service'
import type { Selectable } from 'kysely'
import type { Db, DbTransaction } from '../../platform/database/schema.ts'
import type { State, StateTransaction } from '../../platform/state/state.ts'
import type { IdentityRecordsTable, IdentityVersionsTable, IdentityVidsTable } from './tables.ts'

export interface RepositoryStoreOptions {
  readonly state: State
  readonly applicationId: string
  readonly profile: Profile
  /** Told in the transaction of each change. */
  readonly onChange?: (transaction: StateTransaction, change: IdentityChange) => Promise<void>
}

/** The rows of one profile. Both have the same columns, so that one set of queries serves them. */
export function createRepositoryStore(options: RepositoryStoreOptions): RepositoryStore {
  const { state, applicationId } = options
  const tables = tablesOf(options.profile)
  return {
    ...createReads(state.db, applicationId, tables),
    transaction: (run) =>
      state.transaction((transaction) => {
        const { db } = transaction
        const reads = createReads(db, applicationId, tables)
        return run({
          ...reads,
          now: transaction.now,
          lock: (record) =>
            findRecord(db, applicationId, tables, 'record', record, state.dialect === 'postgres'),
          async insertRecord(record) {
            const { numInsertedOrUpdatedRows } = await db
              .insertInto(tables.records)
              .values(recordRow(applicationId, record))
              .onConflict((conflict) => conflict.doNothing())
              .executeTakeFirst()
            return numInsertedOrUpdatedRows === 1n
          },
          async saveRecord(record) {
            const { status, version, changed_at } = recordRow(applicationId, record)
            await db
              .updateTable(tables.records)
              .set({ status, version, changed_at })
              .where('application_id', '=', applicationId)
              .where('record', '=', record.record)
              .execute()
          },
          async insertVersion({ record, version, rid, data, digest, files, createdAt }) {
            await db
              .insertInto(tables.versions)
              .values({
                ...{ application_id: applicationId, record, version, rid, data, digest },
                ...{ files: JSON.stringify(files), created_at: createdAt },
              })
              .execute()
          },
          async insertVid(vid) {
            const { numInsertedOrUpdatedRows } = await db
              .insertInto(tables.vids)
              .values(vidRow(applicationId, vid))
              .onConflict((conflict) => conflict.doNothing())
              .executeTakeFirst()
            return numInsertedOrUpdatedRows === 1n
          },
          async saveVid(vid) {
            await db
              .updateTable(tables.vids)
              .set({ status: vid.status })
              .where('application_id', '=', applicationId)
              .where('tag', '=', vid.tag)
              .execute()
          },
          audit: (entry) => state.audit.append(transaction, { ...entry, applicationId }),
          changed: async (change) => options.onChange?.(transaction, change),
        })
      }),
  }
}

type Tables = ReturnType<typeof tablesOf>

function tablesOf(profile: Profile) {
  return {
    records: `identity_records_${profile}` as 'identity_records_mosip',
    versions: `identity_versions_${profile}` as 'identity_versions_mosip',
    vids: `identity_vids_${profile}` as 'identity_vids_mosip',
  }
}

async function findRecord(
  db: Db | DbTransaction,
  applicationId: string,
  { records }: Tables,
  column: 'tag' | 'rid' | 'record',
  value: string,
  lock = false,
): Promise<StoredRecord | undefined> {
  const row = await db
    .selectFrom(records)
    .selectAll()
    .where('application_id', '=', applicationId)
    .where(column, '=', value)
    .$if(lock, (query) => query.forUpdate())
    .executeTakeFirst()
  return row && recordOf(row)
}

function createReads(db: Db | DbTransaction, applicationId: string, tables: Tables): RepositoryReads {
  const find = (column: 'tag' | 'rid' | 'record', value: string) =>
    findRecord(db, applicationId, tables, column, value)
  return {
    findByTag: (tag) => find('tag', tag),
    findByRid: (rid) => find('rid', rid),
    findRecord: (record) => find('record', record),
    async activeRecords(after, limit) {
      const rows = await db
        .selectFrom(tables.records)
        .select('record')
        .where('application_id', '=', applicationId)
        .where('record', '>', after)
        .where('status', '=', 'ACTIVATED')
        .orderBy('record')
        .limit(limit)
        .execute()
      return rows.map(({ record }) => record)
    },
    async countActive() {
      const { count } = await db
        .selectFrom(tables.records)
        .select(({ fn }) => fn.countAll<number | string>().as('count'))
        .where('application_id', '=', applicationId)
        .where('status', '=', 'ACTIVATED')
        .executeTakeFirstOrThrow()
      return Number(count)
    },
    async findVersion(record, version) {
      const row = await db
        .selectFrom(tables.versions)
        .selectAll()
        .where('application_id', '=', applicationId)
        .where('record', '=', record)
        .where('version', '=', version)
        .executeTakeFirst()
      return row && { ...versionOf(row), data: row.data }
    },
    async versions(record) {
      const rows = await db
        .selectFrom(tables.versions)
        .select(['record', 'version', 'rid', 'digest', 'files', 'created_at'])
        .where('application_id', '=', applicationId)
        .where('record', '=', record)
        .orderBy('version')
        .execute()
      return rows.map(versionOf)
    },
    async findVid(tag) {
      const row = await db
        .selectFrom(tables.vids)
        .selectAll()
        .where('application_id', '=', applicationId)
        .where('tag', '=', tag)
        .executeTakeFirst()
      return row && vidOf(row)
    },
    async vids(record) {
      const rows = await db
        .selectFrom(tables.vids)
        .selectAll()
        .where('application_id', '=', applicationId)
        .where('record', '=', record)
        .orderBy('created_at')
        .orderBy('tag')
        .execute()
      return rows.map(vidOf)
    },
  }
}

function recordOf(row: Selectable<IdentityRecordsTable>): StoredRecord {
  const { record, tag, uin, status, version, rid, created_at, changed_at } = row
  return {
    ...{ record, tag, uin, version, rid, createdAt: created_at, changedAt: changed_at },
    status: status as RecordStatus,
  }
}

function recordRow(application_id: string, { createdAt, changedAt, ...rest }: StoredRecord) {
  return { application_id, ...rest, created_at: createdAt, changed_at: changedAt }
}

function versionOf(row: Omit<Selectable<IdentityVersionsTable>, 'data' | 'application_id'>) {
  const { record, version, rid, digest, files, created_at } = row
  const refs = JSON.parse(files) as StoredFileRef[]
  return { record, version, rid, digest, files: refs, createdAt: created_at } satisfies Omit<
    StoredVersion,
    'data'
  >
}

function vidOf(row: Selectable<IdentityVidsTable>): StoredVid {
  const { tag, record, type, vid, status, created_at, expires_at, transactions_left } = row
  return {
    ...{ tag, record, vid, createdAt: created_at, expiresAt: expires_at },
    type: type as StoredVid['type'],
    status: status as StoredVid['status'],
    transactionLimit: transactions_left,
  }
}

function vidRow(application_id: string, vid: StoredVid) {
  const { tag, record, type, vid: sealed, status, createdAt, expiresAt, transactionLimit } = vid
  return {
    ...{ application_id, tag, record, type, vid: sealed, status, created_at: createdAt },
    ...{ expires_at: expiresAt, transactions_left: transactionLimit },
  }
}
