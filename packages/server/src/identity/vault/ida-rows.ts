import type { StoredAttribute } from '@keyhaven/identity/service'
import { bulkInsert } from '../../platform/database/bulk-insert.ts'
import { prepareQuery } from '../../platform/database/prepared-query.ts'
import type { Db, DbTransaction } from '../../platform/database/schema.ts'
import type { State } from '../../platform/state/state.ts'
import type { PoolPlace } from './pool-store.ts'

const ATTRIBUTE_COLUMNS = ['application_id', 'id_hash', 'name', 'value', 'sealed'] as const

/** In the place of a credential's id: only the person's end is known. */
export const NO_CREDENTIAL = ''

/** The rows of people at an IDA, each profile in tables of its own. */
export type IdaRows = ReturnType<typeof createIdaRows>

export function createIdaRows(state: State, { applicationId, profile }: PoolPlace) {
  const records = `ida_records_${profile}` as 'ida_records_mosip'
  const attributes = `ida_attributes_${profile}` as 'ida_attributes_mosip'
  const at = (idHash: string) => ({ application_id: applicationId, id_hash: idHash })
  const found = (db: Db | DbTransaction, idHash: string) =>
    db
      .selectFrom(records)
      .selectAll()
      .where((eb) => eb.and(at(idHash)))
  const find = prepareQuery((db, { idHash }: { readonly idHash: string }) => found(db, idHash))
  return {
    ...{ records, attributes, at },

    async find(db: Db | DbTransaction, idHash: string) {
      const [row] = await find(db, { idHash })
      return row
    },

    /** Until the transaction ends nobody else changes it. */
    findLocked: (db: DbTransaction, idHash: string) =>
      found(db, idHash)
        .$if(state.dialect === 'postgres', (query) => query.forUpdate())
        .executeTakeFirst(),

    drop: (db: DbTransaction, idHash: string) =>
      db
        .deleteFrom(records)
        .where((eb) => eb.and(at(idHash)))
        .execute(),

    dropAttributes: (db: DbTransaction, idHash: string) =>
      db
        .deleteFrom(attributes)
        .where((eb) => eb.and(at(idHash)))
        .execute(),

    /** Keeps that somebody who is not here has ended, until a credential comes. */
    noteEnd: (
      db: DbTransaction,
      end: { readonly idHash: string; readonly state: string; readonly at: number; readonly oprfKey: number },
    ) =>
      db
        .insertInto(records)
        .values({
          ...{ ...at(end.idHash), credential_id: NO_CREDENTIAL, partner_id: '', policy_id: '', token: '' },
          ...{ state: end.state, issued_at: 0, state_at: end.at, expires_at: null, transactions_left: null },
          ...{ generation: 0, oprf_key: end.oprfKey, revision: 1 },
        })
        .onConflict((on) => on.columns(['application_id', 'id_hash']).doNothing())
        .execute(),

    /** @returns whether there was such an end, and nothing else. */
    async forgetEnd(db: DbTransaction, idHash: string, since: number): Promise<boolean> {
      const { numDeletedRows } = await db
        .deleteFrom(records)
        .where((eb) => eb.and({ ...at(idHash), credential_id: NO_CREDENTIAL, state: 'deactivated' }))
        .where('state_at', '<=', since)
        .executeTakeFirst()
      return numDeletedRows === 1n
    },

    async putAttributes(db: DbTransaction, idHash: string, list: readonly StoredAttribute[]) {
      const rows = list.map(({ name, value, sealed }) => [applicationId, idHash, name, value, sealed ? 1 : 0])
      await bulkInsert(db, state.dialect, attributes, ATTRIBUTE_COLUMNS, rows)
    },
  }
}
