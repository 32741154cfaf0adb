import type { WritableRecords } from '@keyhaven/identity/service'
import type { Kysely } from 'kysely'
import type { Db, DbTransaction } from '../../platform/database/schema.ts'

/** Which fields of a record are yes or no. */
export type Flags<T> = readonly (keyof T & string)[]

type AnyRow = Record<string, unknown>
type AnyDb = Kysely<Record<string, AnyRow>>

/**
 * The records of one kind of one application.
 *
 * @param table - its key is (`application_id`, `id`).
 */
export function createRecords<T extends { readonly id: string }>(
  db: Db | DbTransaction,
  applicationId: string,
  table: string,
  flags: Flags<T> = [],
): WritableRecords<T> {
  const rows = db as unknown as AnyDb
  const mine = { application_id: applicationId }
  return {
    async get(id) {
      const row = await rows
        .selectFrom(table)
        .selectAll()
        .where((where) => where.and({ ...mine, id }))
        .executeTakeFirst()
      return row && toRecord<T>(row, flags)
    },

    async list(equal, { after, limit } = {}) {
      let query = rows
        .selectFrom(table)
        .selectAll()
        .where((where) => where.and({ ...mine, ...toRow(equal) }))
      if (after !== undefined) query = query.where('id', '>', after)
      if (limit !== undefined) query = query.limit(limit)
      const found = await query.orderBy('id').execute()
      return found.map((row) => toRecord<T>(row, flags))
    },

    async put(record) {
      const row = toRow(record)
      await rows
        .insertInto(table)
        .values({ ...mine, ...row })
        .onConflict((conflict) => conflict.columns(['application_id', 'id']).doUpdateSet(row))
        .execute()
    },
  }
}

export function toRow(record: object): AnyRow {
  const entries = Object.entries(record).map(([name, value]) => [
    name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`),
    typeof value === 'boolean' ? Number(value) : value,
  ])
  return Object.fromEntries(entries)
}

export function toRecord<T>(row: object, flags: Flags<T> = []): T {
  const entries = Object.entries(row)
    .filter(([column]) => column !== 'application_id')
    .map(([column, value]) => {
      const name = column.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase())
      return [name, (flags as readonly string[]).includes(name) ? value === 1 : value]
    })
  return Object.fromEntries(entries) as T
}
