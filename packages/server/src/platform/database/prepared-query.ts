import type { Compilable, CompiledQuery } from 'kysely'
import type { Db, DbTransaction } from './schema.ts'

/** Stands in a compiled query for a value that comes with each call. */
class Placeholder {
  readonly name: string

  constructor(name: string) {
    this.name = name
  }
}

/**
 * A query of one shape, built and compiled when it is first asked: both take the query builder longer than SQLite
 * needs to answer.
 *
 * @param build - is given each parameter under its name, once, as a placeholder: use it only as a value of the query.
 */
export function prepareQuery<Parameters extends Readonly<Record<string, unknown>>, Row>(
  build: (db: Db | DbTransaction, parameters: Parameters) => Compilable<Row>,
): (db: Db | DbTransaction, parameters: Parameters) => Promise<Row[]> {
  const placeholders = new Proxy({}, { get: (_, name) => new Placeholder(String(name)) }) as Parameters
  let compiled: CompiledQuery<Row> | undefined
  return async (db, values) => {
    compiled ??= build(db, placeholders).compile()
    const parameters = compiled.parameters.map((value) =>
      value instanceof Placeholder ? values[value.name] : value,
    )
    return (await db.executeQuery<Row>({ ...compiled, parameters })).rows
  }
}
