import type { Kysely } from 'kysely'
import type { TableInfo } from '../../platform/database/feature-schema.ts'

type Column = 'text' | 'bigint' | 'bytea' | 'bigint?' | 'bytea?'

/** Makes a table of records: the tenant, the id, and these columns; a question mark: null is a value. */
export async function createRecordTable(
  db: Kysely<unknown>,
  table: string,
  columns: Readonly<Record<string, Column>>,
): Promise<void> {
  let made = db.schema
    .createTable(table)
    .addColumn('application_id', 'text', (column) => column.notNull())
    .addColumn('id', 'text', (column) => column.notNull())
  for (const [name, type] of Object.entries(columns)) {
    const bare = type.replace('?', '') as 'text' | 'bigint' | 'bytea'
    made = made.addColumn(name, bare, (column) => (type.endsWith('?') ? column : column.notNull()))
  }
  await made.addPrimaryKeyConstraint(`${table}_key`, ['application_id', 'id']).execute()
}

/** As backup sees it. */
export function recordTable(name: string): TableInfo {
  return { name, primaryKey: ['application_id', 'id'], backup: true }
}
