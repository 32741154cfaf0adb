import type { DatabaseSync, SQLInputValue, StatementSync } from 'node:sqlite'
import { setTimeout as delay, setImmediate as nextTurn } from 'node:timers/promises'
import type { DatabaseConnection, Dialect, Driver, SqliteDatabase, SqliteStatement } from 'kysely'
import { CompiledQuery, SqliteAdapter, SqliteDialect, SqliteDriver } from 'kysely'
import { isBusy, toStoreError } from './store-error.ts'

/** How long a writer waits for another process's transaction. */
const BUSY_TIMEOUT_MS = 5_000
const BUSY_RETRY_MAX_MS = 8
/** After so long the event loop gets a turn between two queries. */
const TURN_AFTER_MS = 10
/** Prepared statements kept for use again. */
const STATEMENT_CACHE_ENTRIES = 256

/** Kysely's SQLite dialect over node:sqlite; its transactions take the write lock when they begin. */
export function createSqliteDialect(database: DatabaseSync): Dialect {
  database.exec('pragma busy_timeout = 0')
  const adapted = adaptDatabase(database)
  const dialect = new SqliteDialect({ database: adapted })
  return {
    createDriver: (): Driver => new ImmediateDriver({ database: adapted }),
    createAdapter: () => new TransactionalAdapter(),
    createQueryCompiler: () => dialect.createQueryCompiler(),
    createIntrospector: (db) => dialect.createIntrospector(db),
  }
}

/**
 * Waits for another process's transaction without blocking this process: SQLite's own busy timeout would stop
 * the event loop. A deferred transaction that turns from reading to writing fails when another process wrote
 * in between, so transactions take the write lock at once.
 */
class ImmediateDriver extends SqliteDriver {
  #patient: DatabaseConnection | undefined

  override async acquireConnection(): Promise<DatabaseConnection> {
    const connection = await super.acquireConnection()
    if (this.#patient !== connection) {
      const execute = connection.executeQuery.bind(connection)
      connection.executeQuery = (...query) => patiently(() => execute(...query))
      this.#patient = connection
    }
    return connection
  }

  override async beginTransaction(connection: DatabaseConnection): Promise<void> {
    await connection.executeQuery(CompiledQuery.raw('begin immediate'))
  }

  override async rollbackTransaction(connection: DatabaseConnection): Promise<void> {
    try {
      await connection.executeQuery(CompiledQuery.raw('rollback'))
    } catch (error) {
      // A full disk makes SQLite roll back by itself: then there is no transaction left to undo.
      if (!String((error as Error).message).includes('no transaction is active')) throw error
    }
  }
}

let lastTurnAt = 0

async function patiently<T>(run: () => Promise<T>): Promise<T> {
  const startedAt = performance.now()
  if (startedAt - lastTurnAt > TURN_AFTER_MS) {
    // SQLite answers without the event loop: a long row of queries would keep everybody else waiting.
    await nextTurn()
    lastTurnAt = performance.now()
  }
  const until = startedAt + BUSY_TIMEOUT_MS
  for (;;) {
    try {
      return await run()
    } catch (error) {
      if (!isBusy(error) || performance.now() > until) throw error
      await delay(Math.random() * BUSY_RETRY_MAX_MS)
    }
  }
}

/** SQLite undoes DDL with its transaction, so a migration that is cut leaves nothing behind. */
class TransactionalAdapter extends SqliteAdapter {
  override get supportsTransactionalDdl(): boolean {
    return true
  }
}

function adaptDatabase(database: DatabaseSync): SqliteDatabase {
  const statements = new Map<string, SqliteStatement>()
  return {
    close: () => database.close(),
    prepare(sql) {
      const known = statements.get(sql)
      if (known !== undefined) return known
      try {
        const statement = adaptStatement(database.prepare(sql))
        // A schema change makes SQLite prepare a kept statement anew, but column names may then be stale.
        if (/^\s*(select|insert|update|delete|with)\b/i.test(sql)) {
          if (statements.size >= STATEMENT_CACHE_ENTRIES)
            statements.delete(statements.keys().next().value ?? '')
          statements.set(sql, statement)
        }
        return statement
      } catch (error) {
        throw toStoreError(error)
      }
    },
  }
}

function adaptStatement(statement: StatementSync): SqliteStatement {
  const guarded = <T>(run: () => T): T => {
    try {
      return run()
    } catch (error) {
      throw toStoreError(error)
    }
  }
  return {
    reader: statement.columns().length > 0,
    all: (parameters) => guarded(() => statement.all(...(parameters as SQLInputValue[]))),
    run: (parameters) => guarded(() => statement.run(...(parameters as SQLInputValue[]))),
    iterate: (parameters) => guarded(() => statement.iterate(...(parameters as SQLInputValue[]))),
  }
}
