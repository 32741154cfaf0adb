import { randomUUID } from 'node:crypto'
import { KeyhavenError } from '@keyhaven/crypto'
import type { Profile } from '@keyhaven/identity'
import {
  firstIndexOf,
  POOL_KEYS,
  type PoolConflict,
  type PoolConflictKind,
  type PoolStore,
  type StoredPoolKey,
} from '@keyhaven/identity/service'
import { sql } from 'kysely'
import { bulkInsert } from '../../platform/database/bulk-insert.ts'
import { prepareQuery } from '../../platform/database/prepared-query.ts'
import type { Db, DbTransaction } from '../../platform/database/schema.ts'
import type { State, StateTransaction } from '../../platform/state/state.ts'
import type { PoolConflictsTable } from './tables.ts'

const KEY_COLUMNS = ['application_id', 'key_index', 'wrapped', 'key_check', 'source', 'created_at'] as const

/** Whose pool: an issuer's or an IDA's, of one application and profile. */
export interface PoolPlace {
  readonly applicationId: string
  readonly owner: 'identity' | 'ida'
  readonly profile: Profile
}

/** The table of a pool's keys; all of them have one shape. */
export function poolTable({ owner, profile }: PoolPlace): 'identity_pool_keys_mosip' {
  return `${owner}_pool_keys_${profile}` as 'identity_pool_keys_mosip'
}

export function createPoolStore(state: State, place: PoolPlace): PoolStore {
  const { applicationId, owner, profile } = place
  const table = poolTable(place)
  const where = { application_id: applicationId, owner, profile }
  const findKey = preparePoolKeyQuery(place)
  const generations = prepareQuery((db) =>
    db
      .selectFrom('identity_pools')
      .select(['generation', 'keys', 'created_at'])
      .where((eb) => eb.and(where))
      .orderBy('generation', 'desc'),
  )

  return {
    profile,

    async generations() {
      const rows = await generations(state.db, {})
      return rows.map(({ generation, keys, created_at }) => ({ generation, keys, createdAt: created_at }))
    },

    findKey: (index) => findKey(state.db, index),

    insertGeneration: (generation, keys, actor) =>
      state.transaction(async (transaction) => {
        const { db, now } = transaction
        await lockPool(state, db, place)
        const first = keys[0]?.index ?? 0
        const taken = await db
          .selectFrom(table)
          .select('key_index')
          .where('application_id', '=', applicationId)
          .where('key_index', '>=', first)
          .where('key_index', '<', first + POOL_KEYS)
          .limit(1)
          .executeTakeFirst()
        if (taken !== undefined) return false
        const rows = keys.map((key) => [applicationId, key.index, key.wrapped, key.check, actor, now])
        await bulkInsert(db, state.dialect, table, KEY_COLUMNS, rows)
        await countKeys(transaction, place, generation, keys.length)
        state.audit.append(transaction, {
          actor,
          action: 'vault.pool.create',
          applicationId,
          subject: `${owner}/${profile}`,
          detail: { generation, keys: keys.length },
        })
        return true
      }),

    async anyOfNewest(random) {
      const newest = await state.db
        .selectFrom('identity_pools')
        .select(['generation', 'keys'])
        .where((eb) => eb.and(where))
        .orderBy('generation', 'desc')
        .limit(1)
        .executeTakeFirst()
      if (newest === undefined) return undefined
      const row = await state.db
        .selectFrom(table)
        .select(['key_index', 'wrapped', 'key_check'])
        .where('application_id', '=', applicationId)
        .where('key_index', '>=', firstIndexOf(newest.generation))
        .orderBy('key_index')
        .limit(1)
        .offset(Math.floor(random * newest.keys))
        .executeTakeFirst()
      return row && { index: row.key_index, wrapped: row.wrapped, check: row.key_check }
    },

    reportConflict: (conflict) =>
      state.transaction(async (transaction) => {
        const { numInsertedOrUpdatedRows } = await transaction.db
          .insertInto('identity_pool_conflicts')
          .values({
            ...{ ...where, id: randomUUID(), kind: conflict.kind, key_index: conflict.index },
            ...{ key_check: conflict.check, other_check: conflict.otherCheck, source: conflict.source },
            ...{ seen_at: transaction.now, closed_at: null, closed_by: null, reason: null },
          })
          .onConflict((on) =>
            on
              .columns(['application_id', 'owner', 'profile', 'kind', 'key_index', 'other_check', 'source'])
              .doNothing(),
          )
          .executeTakeFirst()
        if (numInsertedOrUpdatedRows !== 1n) return
        state.audit.append(transaction, {
          actor: 'system',
          action: 'vault.pool.conflict',
          applicationId,
          subject: `${owner}/${profile}`,
          detail: { kind: conflict.kind, index: conflict.index, source: conflict.source },
        })
      }),

    async openConflicts() {
      const { count } = await state.db
        .selectFrom('identity_pool_conflicts')
        .select(({ fn }) => fn.countAll<number>().as('count'))
        .where((eb) => eb.and(where))
        .where('closed_at', 'is', null)
        .executeTakeFirstOrThrow()
      return Number(count)
    },

    async conflicts({ after, limit }) {
      const rows = await state.db
        .selectFrom('identity_pool_conflicts')
        .selectAll()
        .where((eb) => eb.and(where))
        .$if(after !== undefined, (query) =>
          query.where(
            sql<boolean>`(seen_at, id) < (select seen_at, id from identity_pool_conflicts
              where application_id = ${applicationId} and id = ${after})`,
          ),
        )
        .orderBy('seen_at', 'desc')
        .orderBy('id', 'desc')
        .limit(limit)
        .execute()
      return rows.map(toConflict)
    },

    closeConflict: (id, actor, reason) =>
      state.transaction(async (transaction) => {
        const { numUpdatedRows } = await transaction.db
          .updateTable('identity_pool_conflicts')
          .set({ closed_at: transaction.now, closed_by: actor, reason })
          .where((eb) => eb.and({ ...where, id }))
          .where('closed_at', 'is', null)
          .executeTakeFirst()
        if (numUpdatedRows !== 1n) return false
        state.audit.append(transaction, {
          ...{ actor, action: 'vault.conflict.close', applicationId, subject: id, detail: { reason } },
        })
        return true
      }),
  }
}

/** @returns a query for a key by its number. */
export function preparePoolKeyQuery(
  place: PoolPlace,
): (db: Db | DbTransaction, index: number) => Promise<StoredPoolKey | undefined> {
  const find = prepareQuery((db, { index }: { readonly index: number }) =>
    db
      .selectFrom(poolTable(place))
      .select(['wrapped', 'key_check'])
      .where('application_id', '=', place.applicationId)
      .where('key_index', '=', index),
  )
  return async (db, index) => {
    const [row] = await find(db, { index })
    return row && { index, wrapped: row.wrapped, check: row.key_check }
  }
}

/** Whoever makes or imports keys of one pool does so one after the other; SQLite has one writer. */
export async function lockPool(state: State, db: DbTransaction, place: PoolPlace): Promise<void> {
  if (state.dialect !== 'postgres') return
  const name = `pool:${place.owner}:${place.profile}:${place.applicationId}`
  await sql`select pg_advisory_xact_lock(hashtextextended(${name}, 0))`.execute(db)
}

export async function countKeys(
  { db, now }: StateTransaction,
  { applicationId, owner, profile }: PoolPlace,
  generation: number,
  more: number,
): Promise<void> {
  await db
    .insertInto('identity_pools')
    .values({ application_id: applicationId, owner, profile, generation, keys: more, created_at: now })
    .onConflict((on) =>
      on
        .columns(['application_id', 'owner', 'profile', 'generation'])
        .doUpdateSet({ keys: sql`identity_pools.keys + ${more}` }),
    )
    .execute()
}

function toConflict(row: PoolConflictsTable): PoolConflict {
  if (!isKind(row.kind)) throw new KeyhavenError('STORE_UNAVAILABLE', 'a stored conflict is of no known kind')
  return {
    ...{ id: row.id, kind: row.kind, index: row.key_index, check: row.key_check },
    ...{ otherCheck: row.other_check, source: row.source, seenAt: row.seen_at },
    ...{ closedAt: row.closed_at, closedBy: row.closed_by },
  }
}

const KINDS: readonly PoolConflictKind[] = ['import', 'create', 'unwrap']

function isKind(kind: string): kind is PoolConflictKind {
  return (KINDS as readonly string[]).includes(kind)
}
