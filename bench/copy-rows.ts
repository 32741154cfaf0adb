import { DatabaseSync } from 'node:sqlite'
import { Client } from 'pg'
import type { Dialect } from '../packages/server/src/platform/database/schema.ts'
import type { StateFixture } from '../test/kit/engines.ts'

const BUSY_MILLISECONDS = 10_000
/** Keys come in no order: what holds all pages of an index is many times faster than what holds few. */
const CACHE_KIB = 1_048_576

/** Rows of a table that become many. */
export interface CopiedRow {
  readonly table: string
  /** Which are copied: a condition over `t` that an index answers. */
  readonly where: string
  /** SQL of the columns that differ from copy to copy: over `n`, which has the columns of the values. */
  readonly changed: Readonly<Record<string, string>>
}

/** Fills tables with copies of real rows, far faster than by making each. */
export interface RowCopier {
  /** @param values - of one copy each: all have the same names; texts. */
  copy(values: readonly Readonly<Record<string, string>>[], rows: readonly CopiedRow[]): Promise<void>
  /** SQL of a value that holds bytes in hexadecimal. */
  bytes(value: string): string
  close(): Promise<void>
}

/** @param env - of the database, see {@link StateFixture}. */
export async function openRowCopier(dialect: Dialect, env: StateFixture['env']): Promise<RowCopier> {
  const { run, columns, close } = await connect(dialect, String(env.KEYHAVEN_DATABASE_URL))
  return {
    async copy(values, rows) {
      if (values.length === 0) return
      const json = JSON.stringify(values).replaceAll("'", "''")
      const names = Object.keys(values[0]!)
      const source =
        dialect === 'postgres'
          ? `json_to_recordset('${json}'::json) as n(${names.map((name) => `${name} text`)})`
          : `(select ${names.map((name) => `value->>'${name}' as ${name}`)} from json_each('${json}')) as n`
      for (const { table, where, changed } of rows) {
        const all = await columns(table)
        const selected = all.map((name) => changed[name] ?? `t.${name}`)
        await run(
          `insert into ${table} (${all}) select ${selected} from ${table} t cross join ${source} where ${where}`,
        )
      }
    },
    bytes: (value) => (dialect === 'postgres' ? `decode(${value}, 'hex')` : `unhex(${value})`),
    async close() {
      // PostgreSQL plans by what it knows of the sizes of tables.
      if (dialect === 'postgres') await run('analyze')
      await close()
    },
  }
}

interface Connection {
  run(statement: string): Promise<void>
  columns(table: string): Promise<string[]>
  close(): Promise<void>
}

async function connect(dialect: Dialect, url: string): Promise<Connection> {
  if (dialect === 'postgres') {
    const client = new Client({ connectionString: url })
    await client.connect()
    return {
      run: async (statement) => void (await client.query(statement)),
      columns: async (table) =>
        (await client.query(`select * from ${table} limit 0`)).fields.map(({ name }) => name),
      close: () => client.end(),
    }
  }
  const database = new DatabaseSync(url.replace(/^sqlite:/, ''), { timeout: BUSY_MILLISECONDS })
  database.exec(`pragma cache_size = -${CACHE_KIB}; pragma synchronous = off`)
  return {
    run: async (statement) => database.exec(statement),
    columns: async (table) =>
      database
        .prepare(`select * from ${table}`)
        .columns()
        .map(({ name }) => name),
    close: async () => database.close(),
  }
}
