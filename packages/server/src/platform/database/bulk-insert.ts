import { CompiledQuery } from 'kysely'
import type { Database, DbTransaction, Dialect } from './schema.ts'

/**
 * Rows in one statement. Few sizes, so that every statement is compiled once and its preparation is found
 * again.
 */
const CHUNK_ROWS = [256, 64, 16, 4, 1] as const
/** Statements by table, columns, rows and engine. */
const statements = new Map<string, string>()

/**
 * Inserts many rows of one shape. For a row or two the query builder does; compiling hundreds of rows each
 * time costs more than the database takes to store them.
 *
 * @param columns - of every row, in the order of its values.
 */
export async function bulkInsert<Table extends keyof Database>(
  db: DbTransaction,
  dialect: Dialect,
  table: Table,
  columns: readonly (keyof Database[Table] & string)[],
  rows: readonly (readonly unknown[])[],
): Promise<void> {
  let at = 0
  for (const size of CHUNK_ROWS) {
    while (rows.length - at >= size) {
      const parameters: unknown[] = []
      for (let row = at; row < at + size; row++) parameters.push(...rows[row]!)
      await db.executeQuery(CompiledQuery.raw(statementOf(dialect, table, columns, size), parameters))
      at += size
    }
  }
}

function statementOf(dialect: Dialect, table: string, columns: readonly string[], rows: number): string {
  const name = `${dialect} ${table} ${columns.join()} ${rows}`
  const known = statements.get(name)
  if (known !== undefined) return known
  let parameter = 0
  const placeholder = () => (dialect === 'postgres' ? `$${++parameter}` : '?')
  const tuples = Array.from({ length: rows }, () => `(${columns.map(placeholder).join()})`)
  const names = columns.map((column) => `"${column}"`).join()
  const made = `insert into "${table}" (${names}) values ${tuples.join()}`
  statements.set(name, made)
  return made
}
