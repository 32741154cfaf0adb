import { KeyhavenError } from '@keyhaven/crypto'
import type { DirectoryStore, DirectoryTransaction, Page, Paged } from '@keyhaven/directory/service'
import { sql } from 'kysely'
import type { DbTransaction } from '../platform/database/schema.ts'
import { isUniqueViolation } from '../platform/database/store-error.ts'
import { decodeCursor, encodeCursor } from '../platform/http/page-cursor.ts'
import type { State, StateTransaction } from '../platform/state/state.ts'
import { userChange } from './device-cache.ts'
import { createDirectoryReads } from './directory-reads.ts'
import { listDevicesOf } from './directory-reports.ts'
import {
  fromDeviceRow,
  fromEncryptionKeyRow,
  fromSignUpTokenRow,
  fromUserRow,
  toDeviceRow,
  toEncryptionKeyRow,
  toEntryRow,
  toSignUpTokenRow,
  toUserRow,
} from './directory-rows.ts'

const MS_PER_SECOND = 1_000

/** The directory's rows of one application, inside one transaction of the server. */
export interface StoredDirectoryTransaction extends DirectoryTransaction {
  readonly state: StateTransaction
}

export interface DirectoryStoreOptions {
  readonly state: State
  readonly applicationId: string
  /** Runs after each commit in which the log grew, before the answer. */
  readonly afterAppend: () => Promise<void>
}

/** The directory of one application, in the database. */
export function createDirectoryStore(
  options: DirectoryStoreOptions,
): DirectoryStore<StoredDirectoryTransaction> {
  const { state, applicationId } = options
  return {
    reads: createDirectoryReads(state.db, applicationId),
    async transaction(run) {
      let appended = false
      const result = await state.transaction(async (transaction) => {
        const value = await run(createTransaction(state, transaction, applicationId))
        appended = transaction.effects.logs.size > 0
        return value
      })
      if (appended) await options.afterAppend()
      return result
    },
  }
}

function createTransaction(
  state: State,
  transaction: StateTransaction,
  applicationId: string,
): StoredDirectoryTransaction {
  return {
    state: transaction,
    audit: (entry) => state.audit.append(transaction, { ...entry, applicationId }),
    ...createDirectoryReads(transaction.db, applicationId),
    ...entryOperations(state, transaction, applicationId),
    ...deviceOperations(transaction.db, applicationId, transaction.now),
    ...tokenOperations(transaction.db, applicationId),
  }
}

function entryOperations(state: State, { db, changed }: StateTransaction, applicationId: string) {
  const users = db.selectFrom('directory_users').selectAll().where('application_id', '=', applicationId)
  return {
    async lockUser(username) {
      const row = await users
        .where('username', '=', username)
        .$if(state.dialect === 'postgres', (query) => query.forUpdate())
        .executeTakeFirst()
      return row && fromUserRow(row)
    },
    async insertEntry(username, entry) {
      const { numInsertedOrUpdatedRows } = await db
        .insertInto('directory_entries')
        .values(toEntryRow(applicationId, username, entry))
        .onConflict((conflict) => conflict.columns(['application_id', 'username', 'sequence']).doNothing())
        .executeTakeFirst()
      return numInsertedOrUpdatedRows === 1n
    },
    async saveUser(user) {
      const { application_id, username, created_at, sign_up, ...change } = toUserRow(applicationId, user)
      await db
        .insertInto('directory_users')
        .values({ application_id, username, created_at, sign_up, ...change })
        .onConflict((conflict) =>
          conflict.columns(['application_id', 'username']).doUpdateSet({ ...change, sign_up }),
        )
        .execute()
      changed(userChange(applicationId, username))
    },
    async listUsers(page) {
      const [after] = page.cursor === undefined ? [] : decodeCursor(page.cursor, 'text')
      const prefix = page.prefix ?? ''
      const rows = await users
        .$if(after !== undefined, (query) => query.where('username', '>', String(after)))
        // Also inside the name. Not LIKE: whether that heeds the case differs between the engines.
        .$if(prefix !== '', (query) =>
          query.where(
            sql<string>`replace(username, cast(${prefix} as text), '')`,
            '!=',
            sql.ref<string>('username'),
          ),
        )
        .orderBy('username')
        .limit(page.limit + 1)
        .execute()
      return paged(rows.map(fromUserRow), page, (user) => [user.username])
    },
  } satisfies Partial<DirectoryTransaction>
}

function deviceOperations(db: DbTransaction, applicationId: string, now: number) {
  return {
    async saveDevices(changed) {
      for (const device of changed) {
        const row = toDeviceRow(applicationId, device, now)
        const { application_id, username, device: id, ...change } = row
        try {
          await db
            .insertInto('directory_devices')
            .values(row)
            .onConflict((conflict) =>
              conflict.columns(['application_id', 'username', 'device']).doUpdateSet(change),
            )
            .execute()
        } catch (error) {
          if (!isUniqueViolation(error)) throw error
          throw new KeyhavenError('CONFLICT', 'the device id is taken: draw a new one')
        }
      }
    },
    async devicesOf(username) {
      return (await listDevicesOf(db, applicationId, username)).map(fromDeviceRow)
    },
    async saveEncryptionKey(username, key) {
      const row = toEncryptionKeyRow(applicationId, username, key)
      const { statement, not_before, expires_at } = row
      await db
        .insertInto('directory_encryption_keys')
        .values(row)
        .onConflict((conflict) =>
          conflict
            .columns(['application_id', 'username', 'device'])
            .doUpdateSet({ statement, not_before, expires_at }),
        )
        .execute()
    },
    async encryptionKeys(username, now) {
      const rows = await db
        .selectFrom('directory_encryption_keys')
        .selectAll()
        .where('application_id', '=', applicationId)
        .where('username', '=', username)
        .where('expires_at', '>', now * MS_PER_SECOND)
        .orderBy('device')
        .execute()
      return rows.map(fromEncryptionKeyRow)
    },
    async deleteEncryptionKeys(username, device) {
      await db
        .deleteFrom('directory_encryption_keys')
        .where('application_id', '=', applicationId)
        .where('username', '=', username)
        .$if(device !== undefined, (query) => query.where('device', '=', String(device)))
        .execute()
    },
  } satisfies Partial<DirectoryTransaction>
}

function tokenOperations(db: DbTransaction, applicationId: string) {
  return {
    async insertSignUpToken(token) {
      await db.insertInto('sign_up_tokens').values(toSignUpTokenRow(applicationId, token)).execute()
    },
    async findSignUpToken(hash) {
      const row = await db
        .selectFrom('sign_up_tokens')
        .selectAll()
        .where('application_id', '=', applicationId)
        .where('token_hash', '=', hash)
        .executeTakeFirst()
      return row && fromSignUpTokenRow(row)
    },
    async useSignUpToken(id, usedAt) {
      const { numUpdatedRows } = await db
        .updateTable('sign_up_tokens')
        .set({ used_at: usedAt * MS_PER_SECOND })
        .where('application_id', '=', applicationId)
        .where('id', '=', id)
        .where('used_at', 'is', null)
        .executeTakeFirst()
      return numUpdatedRows === 1n
    },
    async deleteSignUpToken(id) {
      const row = await db
        .deleteFrom('sign_up_tokens')
        .where('application_id', '=', applicationId)
        .where('id', '=', id)
        .returningAll()
        .executeTakeFirst()
      return row && fromSignUpTokenRow(row)
    },
    async listSignUpTokens(page) {
      const [at, after] = page.cursor === undefined ? [] : decodeCursor(page.cursor, 'number', 'text')
      const rows = await db
        .selectFrom('sign_up_tokens')
        .selectAll()
        .where('application_id', '=', applicationId)
        .$if(at !== undefined, (query) =>
          query.where((where) =>
            where.or([
              where('created_at', '<', Number(at)),
              where.and([where('created_at', '=', Number(at)), where('id', '>', String(after))]),
            ]),
          ),
        )
        .orderBy('created_at', 'desc')
        .orderBy('id')
        .limit(page.limit + 1)
        .execute()
      return paged(rows.map(fromSignUpTokenRow), page, (token) => [token.createdAt * MS_PER_SECOND, token.id])
    },
  } satisfies Partial<DirectoryTransaction>
}

/** @param items - one more than the page holds, if there are more. */
function paged<T>(
  items: readonly T[],
  page: Page,
  cursor: (item: T) => readonly (string | number)[],
): Paged<T> {
  const shown = items.slice(0, page.limit)
  const last = shown.at(-1)
  const next = items.length > page.limit && last !== undefined ? encodeCursor(cursor(last)) : null
  return { items: shown, next }
}
