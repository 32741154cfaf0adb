import type { DatabaseSync } from 'node:sqlite'
import { Kysely } from 'kysely'
import type { DatabaseConfig } from '../config/config.ts'
import type { Database, Db, Dialect } from './schema.ts'
import { openSqliteFile } from './sqlite-file.ts'

/** An open database. On SQLite `reader` is a second, read-only connection that waits for no transaction. */
export interface OpenDatabase {
  readonly db: Db
  readonly dialect: Dialect
  readonly reader?: DatabaseSync
  close(): Promise<void>
}

/** @throws KeyhavenError `STORE_UNAVAILABLE`. On PostgreSQL the first query connects. */
export async function openDatabase(config: DatabaseConfig): Promise<OpenDatabase> {
  if (config.dialect === 'postgres') {
    const { createPostgresDialect, createPostgresPool } = await import('./postgres-dialect.ts')
    const pool = await createPostgresPool(config.url)
    const db = new Kysely<Database>({ dialect: createPostgresDialect(pool, config.url) })
    return { db, dialect: 'postgres', close: () => db.destroy() }
  }
  const { createSqliteDialect } = await import('./sqlite-dialect.ts')
  const writer = openSqliteFile(config.file)
  const reader = openSqliteFile(config.file, { readOnly: true })
  const db = new Kysely<Database>({ dialect: createSqliteDialect(writer) })
  return {
    db,
    dialect: 'sqlite',
    reader,
    close: async () => {
      await db.destroy()
      for (const database of [reader, writer]) if (database.isOpen) database.close()
    },
  }
}
