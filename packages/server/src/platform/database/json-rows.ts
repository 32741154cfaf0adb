import { type RawBuilder, sql } from 'kysely'
import type { Dialect } from './schema.ts'

/**
 * A list of rows as ONE parameter, to join with: the statement is the same for any number of them, so that it
 * is prepared once, and one query answers for a whole batch.
 *
 * @param columns - name and type of each value of a row.
 * @param rows - values in the order of the columns: texts, whole numbers, null.
 * @returns what stands behind `from`, under the alias `name`. Put `cross join` between it and a table that is to be looked
 * up by its rows: SQLite knows nothing of their number, and may scan that table instead.
 */
export function jsonRows(
  dialect: Dialect,
  name: string,
  columns: Readonly<Record<string, 'text' | 'bigint'>>,
  rows: readonly (readonly (string | number | null)[])[],
): RawBuilder<unknown> {
  const list = Object.entries(columns)
  const text = JSON.stringify(rows)
  const postgres = dialect === 'postgres'
  const values = list.map(([column, type], at) =>
    postgres
      ? sql`(value->>${sql.lit(at)})::${sql.raw(type)} as ${sql.ref(column)}`
      : sql`value->>${sql.lit(at)} as ${sql.ref(column)}`,
  )
  // The limit keeps SQLite from reading the JSON again for each row of another table: it makes a table of it, with an
  // index where that helps.
  const source = postgres ? sql`json_array_elements(${text}::json)` : sql`json_each(${text}) limit -1`
  return sql`(select ${sql.join(values)} from ${source}) as ${sql.ref(name)}`
}
