import type { StoredAttribute } from '@keyhaven/identity/service'
import { bulkInsert } from '../../platform/database/bulk-insert.ts'
import type { DbTransaction } from '../../platform/database/schema.ts'
import type { State } from '../../platform/state/state.ts'
import type { PoolPlace } from './pool-store.ts'

const ATTRIBUTE_COLUMNS = ['application_id', 'id_hash', 'name', 'value', 'sealed'] as const

/** The rows of people at an IDA, each profile in tables of its own. */
export type IdaRows = ReturnType<typeof createIdaRows>

export function createIdaRows(state: State, { applicationId, profile }: PoolPlace) {
  const records = `ida_records_${profile}` as 'ida_records_mosip'
  const attributes = `ida_attributes_${profile}` as 'ida_attributes_mosip'
  const at = (idHash: string) => ({ application_id: applicationId, id_hash: idHash })
  return {
    ...{ records, attributes, at },

    find: (db: Pick<DbTransaction, 'selectFrom'>, idHash: string, lock = false) =>
      db
        .selectFrom(records)
        .selectAll()
        .where((eb) => eb.and(at(idHash)))
        .$if(lock && state.dialect === 'postgres', (query) => query.forUpdate())
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

    async putAttributes(db: DbTransaction, idHash: string, list: readonly StoredAttribute[]) {
      const rows = list.map(({ name, value, sealed }) => [applicationId, idHash, name, value, sealed ? 1 : 0])
      await bulkInsert(db, state.dialect, attributes, ATTRIBUTE_COLUMNS, rows)
    },
  }
}
