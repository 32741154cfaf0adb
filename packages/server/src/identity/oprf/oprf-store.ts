import { equalConstantTime, KeyhavenError } from '@keyhaven/crypto'
import type { OprfKeyMemory } from '@keyhaven/identity'
import type { OprfStore, OprfUse } from '@keyhaven/identity/service'
import { sql } from 'kysely'
import { bulkInsert } from '../../platform/database/bulk-insert.ts'
import type { State, StateTransaction } from '../../platform/state/state.ts'

const DAY_MS = 86_400_000
/** An order is remembered so long; after that only the quota bounds who kept one. */
export const ORDERS_KEPT_MS = 7 * DAY_MS
/** Evaluations of one caller in a day (UTC): a million is 11 in each second. */
export const DEFAULT_DAILY_EVALUATIONS = 1_000_000
const ORDER_COLUMNS = ['application_id', 'order_hash', 'used_at'] as const

export interface OprfStoreOptions {
  /** @defaultValue {@link DEFAULT_DAILY_EVALUATIONS} */
  readonly dailyEvaluations?: number
}

/** The oblivious PRF's server in the database: wrapped keys, orders that were used, quotas. */
export function createOprfStore(
  state: State,
  applicationId: string,
  { dailyEvaluations = DEFAULT_DAILY_EVALUATIONS }: OprfStoreOptions = {},
): OprfStore & { /** Forgets old orders and quotas. */ prune(now: number): Promise<void> } {
  return {
    async keys() {
      const rows = await state.db
        .selectFrom('identity_oprf_keys')
        .selectAll()
        .where('application_id', '=', applicationId)
        .orderBy('version', 'desc')
        .execute()
      return rows.map((row) => ({
        version: row.version,
        publicKey: new Uint8Array(row.public_key),
        wrapped: new Uint8Array(row.wrapped),
        state: row.state === 'active' ? 'active' : 'retired',
        createdAt: row.created_at,
      }))
    },

    insertKey: (key, actor) =>
      state.transaction(async (transaction) => {
        const { db } = transaction
        const { numInsertedOrUpdatedRows } = await db
          .insertInto('identity_oprf_keys')
          .values({
            ...{ application_id: applicationId, version: key.version, public_key: key.publicKey },
            ...{ wrapped: key.wrapped, state: key.state, created_at: key.createdAt },
          })
          .onConflict((on) => on.columns(['application_id', 'version']).doNothing())
          .executeTakeFirst()
        if (numInsertedOrUpdatedRows !== 1n) return false
        await db
          .updateTable('identity_oprf_keys')
          .set({ state: 'retired' })
          .where('application_id', '=', applicationId)
          .where('version', '<', key.version)
          .execute()
        state.audit.append(transaction, {
          ...{ actor, action: 'oprf.key.add', applicationId, subject: String(key.version) },
          detail: { version: key.version },
        })
        return true
      }),

    spend: (use) =>
      state.transaction(async (transaction) => {
        await count(transaction, use)
        await spendOrders(transaction, use)
        state.audit.append(transaction, {
          ...{ actor: use.caller, action: 'oprf.evaluate', applicationId },
          detail: { version: use.version, evaluations: use.orders.length },
        })
      }),

    async prune(now) {
      await state.db
        .deleteFrom('identity_oprf_orders')
        .where('application_id', '=', applicationId)
        .where('used_at', '<', now - ORDERS_KEPT_MS)
        .execute()
      await state.db
        .deleteFrom('identity_oprf_quotas')
        .where('application_id', '=', applicationId)
        .where('day', '<', Math.floor(now / DAY_MS))
        .execute()
    },
  }

  async function count({ db, now }: StateTransaction, { caller, orders }: OprfUse): Promise<void> {
    const place = { application_id: applicationId, caller, day: Math.floor(now / DAY_MS) }
    await db
      .insertInto('identity_oprf_quotas')
      .values({ ...place, used: orders.length })
      .onConflict((on) =>
        on.columns(['application_id', 'caller', 'day']).doUpdateSet({
          used: sql`identity_oprf_quotas.used + ${orders.length}`,
        }),
      )
      .execute()
    const { used } = await db
      .selectFrom('identity_oprf_quotas')
      .select('used')
      .where((eb) => eb.and(place))
      .executeTakeFirstOrThrow()
    if (used > dailyEvaluations) {
      throw new KeyhavenError('RATE_LIMITED', 'the caller has used up its evaluations of today')
    }
  }

  async function spendOrders({ db, now }: StateTransaction, { orders }: OprfUse): Promise<void> {
    const taken = await db
      .selectFrom('identity_oprf_orders')
      .select('used_at')
      .where('application_id', '=', applicationId)
      .where('order_hash', 'in', [...orders])
      .limit(1)
      .executeTakeFirst()
    if (taken !== undefined) throw replayed()
    try {
      const rows = orders.map((order) => [applicationId, order, now])
      await bulkInsert(db, state.dialect, 'identity_oprf_orders', ORDER_COLUMNS, rows)
    } catch (error) {
      if (isTaken(error)) throw replayed() // by another process, in the same moment
      throw error
    }
  }
}

function replayed(): KeyhavenError {
  return new KeyhavenError('REPLAYED', 'an order for the oblivious PRF was used before')
}

/** Unique key violation: PostgreSQL's SQLSTATE, SQLite's message. */
function isTaken(error: unknown): boolean {
  if (!(error instanceof Error)) return false
  return (error as { code?: unknown }).code === '23505' || error.message.includes('UNIQUE constraint')
}

/** Remembers the public keys that this process's client has seen. */
export function createOprfKeyMemory(state: State, applicationId: string): OprfKeyMemory {
  return {
    async remember(version, publicKey) {
      await state.db
        .insertInto('identity_oprf_public_keys')
        .values({ application_id: applicationId, version, public_key: publicKey })
        .onConflict((on) => on.columns(['application_id', 'version']).doNothing())
        .execute()
      const row = await state.db
        .selectFrom('identity_oprf_public_keys')
        .select('public_key')
        .where('application_id', '=', applicationId)
        .where('version', '=', version)
        .executeTakeFirstOrThrow()
      const remembered = new Uint8Array(row.public_key)
      return equalConstantTime(remembered, publicKey) ? publicKey : remembered
    },
  }
}
