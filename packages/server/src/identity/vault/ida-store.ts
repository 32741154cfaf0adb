import type {
  IdaImport,
  IdaImported,
  IdaStore,
  StoredAttribute,
  StoredIdaRecord,
  StoredPoolKey,
} from '@keyhaven/identity/service'
import { bulkInsert } from '../../platform/database/bulk-insert.ts'
import type { DbTransaction } from '../../platform/database/schema.ts'
import type { State, StateTransaction } from '../../platform/state/state.ts'
import { countKeys, createPoolStore, findPoolKey, lockPool, type PoolPlace, poolTable } from './pool-store.ts'
import type { IdaRecordsTable } from './tables.ts'

const POOL_KEYS = 10_000
const ATTRIBUTE_COLUMNS = ['application_id', 'id_hash', 'name', 'value', 'sealed'] as const

/** People's records at an IDA, each profile in tables of its own. */
export function createIdaStore(state: State, applicationId: string, profile: PoolPlace['profile']): IdaStore {
  const place: PoolPlace = { applicationId, owner: 'ida', profile }
  const records = `ida_records_${profile}` as 'ida_records_mosip'
  const attributes = `ida_attributes_${profile}` as 'ida_attributes_mosip'
  const pool = createPoolStore(state, place)
  const at = (idHash: string) => ({ application_id: applicationId, id_hash: idHash })

  const findRow = (db: Pick<DbTransaction, 'selectFrom'>, idHash: string, lock = false) =>
    db
      .selectFrom(records)
      .selectAll()
      .where((eb) => eb.and(at(idHash)))
      .$if(lock && state.dialect === 'postgres', (query) => query.forUpdate())
      .executeTakeFirst()

  const dropAttributes = (db: DbTransaction, idHash: string) =>
    db
      .deleteFrom(attributes)
      .where((eb) => eb.and(at(idHash)))
      .execute()

  const putAttributes = async (db: DbTransaction, idHash: string, list: readonly StoredAttribute[]) => {
    const rows = list.map(({ name, value, sealed }) => [applicationId, idHash, name, value, sealed ? 1 : 0])
    await bulkInsert(db, state.dialect, attributes, ATTRIBUTE_COLUMNS, rows)
  }

  /** @returns the conflict, if a number holds another key: then the transaction must be undone. */
  const putKeys = async (
    transaction: StateTransaction,
    { keys, eventId }: IdaImport,
  ): Promise<IdaImported | undefined> => {
    const { db, now } = transaction
    await lockPool(state, db, place)
    for (const came of keys) {
      const stored: StoredPoolKey | undefined = await findPoolKey(db, place, came.index)
      if (stored !== undefined && stored.check !== came.check) return { result: 'key-conflict', stored, came }
      if (stored !== undefined) continue
      await db
        .insertInto(poolTable(place))
        .values({
          ...{ application_id: applicationId, key_index: came.index, wrapped: came.wrapped },
          ...{ key_check: came.check, source: eventId, created_at: now },
        })
        .execute()
      await countKeys(transaction, place, Math.floor(came.index / POOL_KEYS), 1)
    }
    return undefined
  }

  const putSalt = async (db: DbTransaction, { salt: given }: IdaImport): Promise<IdaImported | undefined> => {
    if (given === undefined) return undefined
    await db
      .insertInto('ida_id_salts')
      .values({ application_id: applicationId, ...given })
      .onConflict((on) => on.columns(['application_id', 'modulo']).doNothing())
      .execute()
    const { salt } = await db
      .selectFrom('ida_id_salts')
      .select('salt')
      .where('application_id', '=', applicationId)
      .where('modulo', '=', given.modulo)
      .executeTakeFirstOrThrow()
    return salt === given.salt ? undefined : { result: 'salt-conflict', modulo: given.modulo }
  }

  const putRecord = async (transaction: StateTransaction, credential: IdaImport): Promise<IdaImported> => {
    const { db } = transaction
    const { record } = credential
    const { idHash } = record
    const found = await findRow(db, idHash, true)
    if (found?.credential_id === record.credentialId) return { result: 'known' }
    const since = found && (found.state === 'removed' ? found.state_at : found.issued_at)
    if (since !== undefined && since > record.issuedAt) return { result: 'older' }
    if (found !== undefined) {
      await dropAttributes(db, idHash)
      await db
        .deleteFrom(records)
        .where((eb) => eb.and(at(idHash)))
        .execute()
    }
    // Who was deactivated stays so under a new credential; who was removed has come back.
    const kept = found?.state === 'deactivated'
    await db
      .insertInto(records)
      .values({
        ...{ ...at(idHash), credential_id: record.credentialId, partner_id: record.partner },
        ...{ policy_id: record.policy, token: record.token, state: kept ? 'deactivated' : 'active' },
        ...{ issued_at: record.issuedAt, state_at: kept ? found.state_at : record.issuedAt },
        ...{ expires_at: record.expiresAt, transactions_left: transactionsLeft(found, record) },
        ...{ generation: record.generation, oprf_key: record.oprfKey },
        revision: (found?.revision ?? 0) + 1,
      })
      .execute()
    await putAttributes(db, idHash, credential.attributes)
    state.audit.append(transaction, {
      actor: 'system',
      action: 'ida.import',
      applicationId,
      subject: record.credentialId,
      detail: { profile, event: credential.eventId, attributes: credential.attributes.length },
    })
    return { result: 'imported' }
  }

  return {
    ...pool,

    async import(credential) {
      try {
        return await state.transaction(async (transaction) => {
          const conflict =
            (await putKeys(transaction, credential)) ?? (await putSalt(transaction.db, credential))
          if (conflict !== undefined) throw new Undone(conflict)
          return putRecord(transaction, credential)
        })
      } catch (error) {
        if (!(error instanceof Undone)) throw error
        const { conflict } = error
        if (conflict.result === 'key-conflict') {
          const { stored, came } = conflict
          const place = { index: came.index, check: stored.check, otherCheck: came.check }
          await pool.reportConflict({ kind: 'import', ...place, source: credential.eventId })
        }
        return conflict
      }
    },

    async find(idHash) {
      const row = await findRow(state.db, idHash)
      return row && toRecord(row)
    },

    async attributeNames(idHash) {
      const rows = await state.db
        .selectFrom(attributes)
        .select('name')
        .where((eb) => eb.and(at(idHash)))
        .orderBy('name')
        .execute()
      return rows.map(({ name }) => name)
    },

    async attributes(idHash, names) {
      if (names?.length === 0) return []
      const rows = await state.db
        .selectFrom(attributes)
        .select(['name', 'value', 'sealed'])
        .where((eb) => eb.and(at(idHash)))
        .$if(names !== undefined, (query) => query.where('name', 'in', names ?? []))
        .orderBy('name')
        .execute()
      return rows.map(({ name, value, sealed }) => ({ name, value, sealed: sealed === 1 }))
    },

    async use(idHash, now) {
      const row = await findRow(state.db, idHash)
      const usable =
        row !== undefined && row.state === 'active' && (row.expires_at === null || row.expires_at > now)
      if (!usable || row.transactions_left === null) return usable
      const { numUpdatedRows } = await state.db
        .updateTable(records)
        .set((eb) => ({ transactions_left: eb('transactions_left', '-', 1) }))
        .where((eb) => eb.and({ ...at(idHash), state: 'active', credential_id: row.credential_id }))
        .where('transactions_left', '>', 0)
        .executeTakeFirst()
      return numUpdatedRows === 1n
    },

    setState: (idHash, next, since) =>
      state.transaction(async (transaction) => {
        const { db } = transaction
        await lockPool(state, db, place) // an import reads the state and writes it again
        const { numUpdatedRows } = await db
          .updateTable(records)
          .set({ state: next, state_at: since })
          .where((eb) => eb.and(at(idHash)))
          .where('state_at', '<=', since)
          .where('state', '!=', 'removed')
          .executeTakeFirst()
        if (numUpdatedRows !== 1n) return false
        if (next === 'removed') await dropAttributes(db, idHash)
        state.audit.append(transaction, {
          ...{ actor: 'system', action: 'ida.state', applicationId, detail: { profile, state: next } },
        })
        return true
      }),

    replace: (idHash, revision, change) =>
      state.transaction(async ({ db }) => {
        const { numUpdatedRows } = await db
          .updateTable(records)
          .set({ generation: change.generation, oprf_key: change.oprfKey, revision: revision + 1 })
          .where((eb) => eb.and({ ...at(idHash), revision }))
          .where('state', '!=', 'removed')
          .executeTakeFirst()
        if (numUpdatedRows !== 1n) return false
        await dropAttributes(db, idHash)
        if (change.idHash !== idHash && (await findRow(db, change.idHash)) !== undefined) {
          // A newer credential came under the new tag meanwhile: this one has had its day.
          await db
            .deleteFrom(records)
            .where((eb) => eb.and(at(idHash)))
            .execute()
          return true
        }
        await db
          .updateTable(records)
          .set({ id_hash: change.idHash })
          .where((eb) => eb.and(at(idHash)))
          .execute()
        await putAttributes(db, change.idHash, change.attributes)
        return true
      }),

    async salt(modulo) {
      const row = await state.db
        .selectFrom('ida_id_salts')
        .select('salt')
        .where('application_id', '=', applicationId)
        .where('modulo', '=', modulo)
        .executeTakeFirst()
      return row?.salt
    },

    // A loose index scan, from the newest: one look-up for each version, however many records there are.
    async oprfKeys() {
      const versions: number[] = []
      for (let below = Number.MAX_SAFE_INTEGER; ; ) {
        const row = await state.db
          .selectFrom(records)
          .select('oprf_key')
          .where('application_id', '=', applicationId)
          .where('oprf_key', '<', below)
          .orderBy('oprf_key', 'desc')
          .limit(1)
          .executeTakeFirst()
        if (row === undefined) return versions
        below = row.oprf_key
        versions.push(below)
      }
    },

    async counts(generation) {
      const count = async (older: boolean) => {
        const row = await state.db
          .selectFrom(records)
          .select(({ fn }) => fn.countAll<number>().as('count'))
          .where('application_id', '=', applicationId)
          .where('state', '!=', 'removed')
          .$if(older, (query) => query.where('generation', '<', generation))
          .executeTakeFirstOrThrow()
        return Number(row.count)
      }
      return { records: await count(false), older: await count(true) }
    },
  }
}

/** A further credential of the same id gives no use back: it may be the same one, encrypted anew. */
function transactionsLeft(
  found: Pick<IdaRecordsTable, 'state' | 'transactions_left'> | undefined,
  { transactionsLeft: came }: IdaImport['record'],
): number | null {
  const left = found === undefined || found.state === 'removed' ? null : found.transactions_left
  return came === null || left === null ? came : Math.min(came, left)
}

/** Carries a conflict out of the transaction that it undoes. */
class Undone extends Error {
  readonly conflict: IdaImported

  constructor(conflict: IdaImported) {
    super('undone')
    this.conflict = conflict
  }
}

function toRecord(row: IdaRecordsTable): StoredIdaRecord {
  return {
    ...{ idHash: row.id_hash, credentialId: row.credential_id, partner: row.partner_id },
    ...{ policy: row.policy_id, token: row.token, state: row.state as StoredIdaRecord['state'] },
    ...{ issuedAt: row.issued_at, stateAt: row.state_at, expiresAt: row.expires_at },
    ...{ transactionsLeft: row.transactions_left, generation: row.generation },
    ...{ oprfKey: row.oprf_key, revision: row.revision },
  }
}
