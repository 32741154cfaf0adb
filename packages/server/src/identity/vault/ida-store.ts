import type { IdaStore, StoredIdaRecord } from '@keyhaven/identity/service'
import { prepareQuery } from '../../platform/database/prepared-query.ts'
import type { State } from '../../platform/state/state.ts'
import { createIdaImport } from './ida-import.ts'
import { createIdaRows, NO_CREDENTIAL } from './ida-rows.ts'
import { createPoolStore, lockPool, type PoolPlace } from './pool-store.ts'
import type { IdaRecordsTable } from './tables.ts'

/** People's records at an IDA, each profile in tables of its own. */
export function createIdaStore(state: State, applicationId: string, profile: PoolPlace['profile']): IdaStore {
  const place: PoolPlace = { applicationId, owner: 'ida', profile }
  const pool = createPoolStore(state, place)
  const rows = createIdaRows(state, place)
  const { records, attributes, at } = rows
  const attributeNames = prepareQuery((db, { idHash }: { readonly idHash: string }) =>
    db
      .selectFrom(attributes)
      .select('name')
      .where((eb) => eb.and(at(idHash)))
      .orderBy('name'),
  )
  const saltOf = prepareQuery((db, { modulo }: { readonly modulo: number }) =>
    db
      .selectFrom('ida_id_salts')
      .select('salt')
      .where('application_id', '=', applicationId)
      .where('modulo', '=', modulo),
  )

  return {
    ...pool,
    import: createIdaImport(state, place, rows, pool),

    async find(idHash) {
      const row = await rows.find(state.db, idHash)
      return row && toRecord(row)
    },

    async attributeNames(idHash) {
      const found = await attributeNames(state.db, { idHash })
      return found.map(({ name }) => name)
    },

    async attributes(idHash, names) {
      if (names?.length === 0) return []
      const found = await state.db
        .selectFrom(attributes)
        .select(['name', 'value', 'sealed'])
        .where((eb) => eb.and(at(idHash)))
        .$if(names !== undefined, (query) => query.where('name', 'in', names ?? []))
        .orderBy('name')
        .execute()
      return found.map(({ name, value, sealed }) => ({ name, value, sealed: sealed === 1 }))
    },

    async use(idHash, now) {
      const row = await rows.find(state.db, idHash)
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

    setState: (idHash, next, since, oprfKey) =>
      state.transaction(async (transaction) => {
        const { db } = transaction
        await lockPool(state, db, place) // an import reads the state and writes it again
        if (next === 'active' && (await rows.forgetEnd(db, idHash, since))) return false
        const { numUpdatedRows } = await db
          .updateTable(records)
          .set({ state: next, state_at: since })
          .where((eb) => eb.and(at(idHash)))
          .where('state_at', '<=', since)
          .where('state', '!=', 'removed')
          .executeTakeFirst()
        if (numUpdatedRows !== 1n) {
          if (next !== 'active') await rows.noteEnd(db, { idHash, state: next, at: since, oprfKey })
          return false
        }
        if (next === 'removed') await rows.dropAttributes(db, idHash)
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
        await rows.dropAttributes(db, idHash)
        if (change.idHash !== idHash && (await rows.find(db, change.idHash)) !== undefined) {
          // A newer credential came under the new tag meanwhile: this one has had its day.
          await rows.drop(db, idHash)
          return true
        }
        await db
          .updateTable(records)
          .set({ id_hash: change.idHash })
          .where((eb) => eb.and(at(idHash)))
          .execute()
        await rows.putAttributes(db, change.idHash, change.attributes)
        return true
      }),

    async salt(modulo) {
      const [row] = await saltOf(state.db, { modulo })
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
          .where('credential_id', '!=', NO_CREDENTIAL)
          .$if(older, (query) => query.where('generation', '<', generation))
          .executeTakeFirstOrThrow()
        return Number(row.count)
      }
      return { records: await count(false), older: await count(true) }
    },
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
