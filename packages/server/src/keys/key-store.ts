import { KeyhavenError } from '@keyhaven/crypto'
import type { KeyStore, KeyTransaction, KeyWrapper } from '@keyhaven/keys'
import { sql } from 'kysely'
import type { Db, Dialect } from '../platform/database/schema.ts'
import type { StateTransaction } from '../platform/state/state.ts'
import { fromKeyRow, toKeyChange, toKeyRow } from './key-rows.ts'

export interface KeyStoreOptions {
  readonly db: Db
  readonly dialect: Dialect
  readonly wrapper: KeyWrapper
  readonly transaction: <T>(work: (transaction: StateTransaction) => Promise<T>) => Promise<T>
}

/** Managed keys in the database. */
export function createKeyStore(options: KeyStoreOptions): KeyStore<StateTransaction> {
  const { db, dialect, wrapper } = options
  return {
    transaction: (outer, work) => {
      const run = (state: StateTransaction) => work(createKeyTransaction(state, dialect, wrapper))
      return outer === undefined ? options.transaction(run) : run(outer)
    },

    list: async (applicationId, purpose, inside) => {
      const rows = await (inside?.db ?? db)
        .selectFrom('managed_keys')
        .selectAll()
        .where('application_id', '=', applicationId)
        .$if(purpose !== undefined, (query) => query.where('purpose', '=', String(purpose)))
        .orderBy('ordinal', 'desc')
        .execute()
      return rows.map(fromKeyRow)
    },

    due: async (now, limit) => {
      const toActivate = await db
        .selectFrom('managed_keys')
        .select('application_id')
        .where('state', '=', sql.lit('pending'))
        .where('activate_at', '<=', now)
        .limit(limit)
        .execute()
      const toEnd = await db
        .selectFrom('managed_keys')
        .select('application_id')
        .where('end_at', 'is not', null)
        .where('end_at', '<=', now)
        .where('state', '!=', sql.lit('revoked'))
        .limit(limit)
        .execute()
      return [...new Set([...toActivate, ...toEnd].map((row) => row.application_id))].slice(0, limit)
    },

    nextDue: async () => {
      const activation = await db
        .selectFrom('managed_keys')
        .select((column) => column.fn.min('activate_at').as('at'))
        .where('state', '=', sql.lit('pending'))
        .executeTakeFirst()
      const end = await db
        .selectFrom('managed_keys')
        .select((column) => column.fn.min('end_at').as('at'))
        .where('end_at', 'is not', null)
        .where('state', '!=', sql.lit('revoked'))
        .executeTakeFirst()
      const times = [activation?.at, end?.at].filter((at): at is number => typeof at === 'number')
      return times.length === 0 ? undefined : Math.min(...times)
    },
  }
}

function createKeyTransaction(
  state: StateTransaction,
  dialect: Dialect,
  wrapper: KeyWrapper,
): KeyTransaction {
  const { db, effects } = state
  return {
    lockAndList: async (applicationId) => {
      // SQLite: the transaction holds the only write lock already.
      if (dialect === 'postgres') {
        await sql`select pg_advisory_xact_lock(hashtextextended(${`keys:${applicationId}`}, 0))`.execute(db)
      }
      const rows = await db
        .selectFrom('managed_keys')
        .selectAll()
        .where('application_id', '=', applicationId)
        .orderBy('ordinal', 'desc')
        .execute()
      return rows.map(fromKeyRow)
    },

    insert: async (key) => {
      const { wrappedPrivateKey } = key
      const masterKeyId = wrappedPrivateKey && wrapper.masterKeyIdOf(wrappedPrivateKey)
      if (masterKeyId !== undefined) effects.masterKeyIds.add(masterKeyId)
      const { ordinal } = await db
        .selectFrom('managed_keys')
        .select((column) => column.fn.max('ordinal').as('ordinal'))
        .where('application_id', '=', key.applicationId)
        .executeTakeFirstOrThrow()
      await db
        .insertInto('managed_keys')
        .values(toKeyRow(key, (ordinal ?? 0) + 1, masterKeyId))
        .execute()
      state.changed(key.applicationId)
    },

    update: async (key) => {
      const { numUpdatedRows } = await db
        .updateTable('managed_keys')
        .set(toKeyChange(key))
        .where('id', '=', key.id)
        .where('state', '!=', 'revoked')
        .executeTakeFirst()
      if (numUpdatedRows !== 1n) throw new KeyhavenError('CONFLICT', 'the key was revoked meanwhile')
      if (key.state === 'revoked') effects.revoked.push({ id: key.id, applicationId: key.applicationId })
      state.changed(key.applicationId)
    },

    audit: (entry) => {
      effects.audit.push(entry)
    },
  }
}
