import type { SQLInputValue } from 'node:sqlite'
import type { DatabaseConfig } from '../platform/config/config.ts'
import type { TableInfo } from '../platform/database/feature-schema.ts'
import { openSqliteFile } from '../platform/database/sqlite-file.ts'
import { toStoreError } from '../platform/database/store-error.ts'
import type { Row } from './backup-format.ts'

const FETCH_ROWS = 500

/** One moment of the database, while others go on writing. */
export interface Snapshot {
  /** In batches, by primary key. */
  rows(table: TableInfo): AsyncIterable<readonly Row[]>
  /** @param sql - without parameters, the same on both engines. */
  query(sql: string): Promise<readonly Row[]>
  close(): Promise<void>
}

export async function openSnapshot(config: DatabaseConfig): Promise<Snapshot> {
  try {
    return config.dialect === 'sqlite'
      ? openSqliteSnapshot(config.file)
      : await openPostgresSnapshot(config.url)
  } catch (error) {
    throw toStoreError(error)
  }
}

function openSqliteSnapshot(file: string): Snapshot {
  const database = openSqliteFile(file, { readOnly: true })
  // In WAL mode a read transaction sees one moment from its first read on, and hinders no writer.
  database.exec('begin')
  const query = (sql: string, ...parameters: SQLInputValue[]): Row[] => {
    try {
      return database.prepare(sql).all(...parameters) as Row[]
    } catch (error) {
      throw toStoreError(error)
    }
  }
  return {
    query: async (sql) => query(sql),
    async *rows(table) {
      let batch: Row[] = []
      for (const row of database.prepare(selectAll(table)).iterate()) {
        batch.push(row as Row)
        if (batch.length < FETCH_ROWS) continue
        yield batch
        batch = []
      }
      if (batch.length > 0) yield batch
    },
    close: async () => database.close(),
  }
}

async function openPostgresSnapshot(url: string): Promise<Snapshot> {
  const { default: pg } = await import('pg')
  const { postgresConfig } = await import('../platform/database/postgres-dialect.ts')
  const { postgresUnavailable } = await import('../platform/database/postgres-unavailable.ts')
  const client = new pg.Client(postgresConfig(url))
  client.on('error', () => {}) // the query that it cuts reports it
  await client.connect().catch((error: unknown) => {
    throw postgresUnavailable(error, url)
  })
  await client.query('begin transaction isolation level repeatable read read only')
  const query = async (sql: string): Promise<readonly Row[]> => {
    try {
      return (await client.query(sql)).rows as Row[]
    } catch (error) {
      throw toStoreError(error)
    }
  }
  return {
    query,
    async *rows(table) {
      await query(`declare backup_rows no scroll cursor for ${selectAll(table)}`)
      for (;;) {
        const batch = await query(`fetch ${FETCH_ROWS} from backup_rows`)
        if (batch.length === 0) break
        yield batch
      }
      await query('close backup_rows')
    },
    close: () => client.end(),
  }
}

function selectAll(table: TableInfo): string {
  const columns = table.primaryKey.map((column) => `"${column}"`).join(', ')
  return `select * from "${table.name}" order by ${columns}`
}
