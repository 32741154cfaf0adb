import type { ConversationStore, ConversationTransaction } from '@keyhaven/conversations/service'
import { KeyhavenError, toBase64url } from '@keyhaven/crypto'
import { sql } from 'kysely'
import type { Directories } from '../directory/directories.ts'
import type { LogKeys } from '../directory/log/log-keys.ts'
import { bulkInsert } from '../platform/database/bulk-insert.ts'
import { jsonRows } from '../platform/database/json-rows.ts'
import type { State, StateTransaction } from '../platform/state/state.ts'
import { createBoundedRows } from './bounded-rows.ts'
import { createConversationReads } from './conversation-reads.ts'
import {
  ENTRY_COLUMNS,
  fromDeviceColumns,
  fromKeyRow,
  fromSecretColumns,
  RECEIPT_COLUMNS,
  STAY_COLUMNS,
  toConversationRow,
  toEntryValues,
  toExportRow,
  toKeyRow,
  toReceiptValues,
  toStayValues,
} from './conversation-rows.ts'
import { readReleaseFacts } from './release-query.ts'
import { createSealedKeyRows } from './sealed-key-rows.ts'

export interface ConversationStoreOptions {
  readonly state: State
  readonly directories: Directories
  /** Keys of an application's log that were read before; a transaction cannot ask for them. */
  readonly logKeys: (application: string) => LogKeys
}

/** Conversations of all applications, in the database. */
export function createConversationStore(options: ConversationStoreOptions): ConversationStore {
  const { state, directories } = options
  return {
    reads: createConversationReads(state.db),
    async transaction(run) {
      let grown: readonly string[] = []
      const result = await state.transaction(async (transaction) => {
        const value = await run(createTransaction(options, transaction))
        grown = [...transaction.effects.logs.keys()]
        return value
      })
      for (const application of grown) await directories.log.files.catchUp(application).catch(committed)
      return result
    },
  }
}

/** Whatever the reason: with any other code, the calls of a batch would be tried again one by one. */
function committed(cause: unknown): never {
  if (cause instanceof KeyhavenError && cause.code === 'STORE_UNAVAILABLE') throw cause
  throw new KeyhavenError(
    'STORE_UNAVAILABLE',
    "the change is stored, but the log's files cannot be written",
    {
      cause,
    },
  )
}

function createTransaction(
  { state, directories, logKeys }: ConversationStoreOptions,
  transaction: StateTransaction,
): ConversationTransaction {
  const { db, now } = transaction
  const { dialect } = state
  const postgres = dialect === 'postgres'
  return {
    ...createConversationReads(db),
    ...createBoundedRows(db),
    ...createSealedKeyRows(db, dialect),
    now,
    async lock(targets) {
      // SQLite has one writer, who is alone already.
      if (!postgres || targets.length === 0) return
      const rows = jsonRows(
        dialect,
        't',
        { app: 'text', conversation: 'text', key: 'text' },
        targets.map(({ application, conversation = null, key = null }) => [application, conversation, key]),
      )
      await sql`
        select c.id from conversations c
        where (c.application_id, c.id) in (
          select t.app, coalesce(t.conversation, k.conversation) from ${rows}
          left join conversation_keys k on k.application_id = t.app and k.id = t.key)
        order by c.application_id, c.id
        for update`.execute(db)
    },
    releaseFacts: (questions) => readReleaseFacts(db, dialect, questions),
    async nextReceipts(conversations) {
      const rows = jsonRows(
        dialect,
        't',
        { place: 'bigint', app: 'text', conversation: 'text' },
        conversations.map(({ application, conversation }, at) => [at, application, conversation]),
      )
      const found = await sql<{ place: number; next: number }>`
        select t.place, coalesce((select max(r.sequence) + 1 from conversation_receipts r
          where r.application_id = t.app and r.conversation = t.conversation), 0) as next
        from ${rows}`.execute(db)
      const next = conversations.map(() => 0)
      for (const row of found.rows) next[row.place] = Number(row.next)
      return next
    },
    async chainPositions(application, users) {
      const rows = jsonRows(
        dialect,
        't',
        { username: 'text', sequence: 'bigint' },
        users.map(({ username, sequence }) => [username, sequence]),
      )
      const found = await sql<{
        username: string
        chain: number
        head: Uint8Array
        named: Uint8Array | null
      }>`
        select u.username, u.chain, u.head, e.entry_hash as named
        from ${rows}
        cross join directory_users u
        left join directory_entries e on e.application_id = ${application}
          and e.username = t.username and e.sequence = t.sequence
        where u.application_id = ${application} and u.username = t.username`.execute(db)
      return new Map(
        found.rows.map((row) => [
          row.username,
          {
            chain: row.chain,
            head: toBase64url(row.head),
            named: row.named === null ? undefined : toBase64url(row.named),
          },
        ]),
      )
    },
    async devices(application, ids) {
      if (ids.length === 0) return new Map()
      const rows = jsonRows(
        dialect,
        't',
        { device: 'text' },
        ids.map((id) => [id]),
      )
      const found = await sql<Parameters<typeof fromDeviceColumns>[0]>`
        select d.username, d.device, d.chain, d.profile, d.since, d.expires_at, d.ended_at
        from ${rows} cross join directory_devices d
        where d.application_id = ${application} and d.device = t.device`.execute(db)
      return new Map(found.rows.map((row) => [row.device, fromDeviceColumns(row)]))
    },
    async insertConversation(conversation) {
      const { numInsertedOrUpdatedRows } = await db
        .insertInto('conversations')
        .values(toConversationRow(conversation))
        .onConflict((conflict) => conflict.columns(['application_id', 'id']).doNothing())
        .executeTakeFirst()
      return numInsertedOrUpdatedRows === 1n
    },
    async saveConversation(conversation) {
      const { application_id, id, created_at, created_by, ...change } = toConversationRow(conversation)
      await db
        .updateTable('conversations')
        .set(change)
        .where('application_id', '=', application_id)
        .where('id', '=', id)
        .execute()
    },
    async saveStays(application, id, stays) {
      if (stays.length === 0) return
      const keys = jsonRows(
        dialect,
        't',
        { username: 'text', since: 'bigint' },
        stays.map(({ username, from }) => [username, from]),
      )
      await sql`
        delete from conversation_members
        where application_id = ${application} and conversation = ${id}
          and (username, from_sequence) in (select t.username, t.since from ${keys})`.execute(db)
      const values = stays.map((stay) => toStayValues(application, id, stay))
      await bulkInsert(db, dialect, 'conversation_members', STAY_COLUMNS, values)
    },
    async nextOrdinal(application, conversation) {
      const row = await db
        .selectFrom('conversation_keys')
        .select(({ fn }) => fn.max('ordinal').as('newest'))
        .where('application_id', '=', application)
        .where('conversation', '=', conversation)
        .executeTakeFirst()
      return row?.newest == null ? 0 : Number(row.newest) + 1
    },
    async insertKey(application, key, secret) {
      if (secret !== null) transaction.effects.masterKeyIds.add(secret.masterKeyId)
      const { numInsertedOrUpdatedRows } = await db
        .insertInto('conversation_keys')
        .values(toKeyRow(application, key, secret))
        .onConflict((conflict) => conflict.columns(['application_id', 'id']).doNothing())
        .executeTakeFirst()
      return numInsertedOrUpdatedRows === 1n
    },
    async makeCurrent(application, { id, conversation }) {
      await db
        .updateTable('conversation_keys')
        .set({ superseded_at: now })
        .where('application_id', '=', application)
        .where('conversation', '=', conversation)
        .where('superseded_at', 'is', null)
        .where('id', '!=', id)
        .execute()
      await db
        .updateTable('conversation_keys')
        // One that was begun before another key may be whole after it.
        .set({ complete: 1, superseded_at: null })
        .where('application_id', '=', application)
        .where('id', '=', id)
        .execute()
      await setCurrent(application, conversation, id)
    },
    async dropCurrent(application, conversation) {
      await db
        .updateTable('conversation_keys')
        .set({ superseded_at: now })
        .where('application_id', '=', application)
        .where('conversation', '=', conversation)
        .where('superseded_at', 'is', null)
        .execute()
      await setCurrent(application, conversation, null)
    },
    async insertExport(application, row) {
      await db.insertInto('conversation_exports').values(toExportRow(application, row)).execute()
    },
    async saveExport(application, row) {
      const { application_id, id, ...change } = toExportRow(application, row)
      await db
        .updateTable('conversation_exports')
        .set(change)
        .where('application_id', '=', application_id)
        .where('id', '=', id)
        .execute()
    },
    async exportedKeys(application, { conversation, from, to }) {
      const rows = await db
        .selectFrom('conversation_keys')
        .selectAll()
        .where('application_id', '=', application)
        .where('conversation', '=', conversation)
        .where('mode', '=', 'managed')
        .$if(to !== null, (query) => query.where('created_at', '<', Number(to)))
        .$if(from !== null, (query) =>
          query.where((where) =>
            where.or([where('superseded_at', 'is', null), where('superseded_at', '>', Number(from))]),
          ),
        )
        .orderBy('ordinal')
        .execute()
      return rows.map((row) => ({ key: fromKeyRow(row), secret: fromSecretColumns(row) }))
    },
    async insertEntries(rows) {
      const values = rows.map(({ application, conversation, entry }) =>
        toEntryValues(application, conversation, entry),
      )
      await bulkInsert(db, dialect, 'conversation_entries', ENTRY_COLUMNS, values)
    },
    async insertReceipts(rows) {
      await bulkInsert(db, dialect, 'conversation_receipts', RECEIPT_COLUMNS, rows.map(toReceiptValues))
    },
    appendLeaf: (application, leaf) =>
      directories.log.append(transaction, application, logKeys(application), [leaf]),
    audit: ({ application, ...record }) =>
      state.audit.append(transaction, { ...record, applicationId: application }),
  }

  async function setCurrent(application: string, conversation: string, key: string | null): Promise<void> {
    await db
      .updateTable('conversations')
      .set({ current_key: key })
      .where('application_id', '=', application)
      .where('id', '=', conversation)
      .execute()
  }
}
