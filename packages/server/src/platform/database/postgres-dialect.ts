import type { DatabaseConnection, Dialect, Driver } from 'kysely'
import { PostgresDialect, PostgresDriver } from 'kysely'
import type { Pool } from 'pg'
import { postgresUnavailable } from './postgres-unavailable.ts'
import { toStoreError } from './store-error.ts'

const POOL_SIZE = 10
const CONNECT_TIMEOUT_MS = 5_000
const STATEMENT_TIMEOUT_MS = 30_000
const IDLE_TIMEOUT_MS = 60_000
const INT8_OID = 20

/** Connection settings for pg: bigint columns as numbers (ours stay below 2^53), no wait without end. */
export function postgresConfig(url: string) {
  return {
    connectionString: url,
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    application_name: 'keyhaven',
    keepAlive: true,
    types: { getTypeParser: numberParser },
  }
}

/** pg is loaded only where PostgreSQL is configured: start-up on SQLite does not pay for it. */
export async function createPostgresPool(url: string): Promise<Pool> {
  const { default: pg } = await import('pg')
  fallbackParser = pg.types.getTypeParser as TypeParser
  const pool = new pg.Pool({
    ...postgresConfig(url),
    max: POOL_SIZE,
    idleTimeoutMillis: IDLE_TIMEOUT_MS,
    statement_timeout: STATEMENT_TIMEOUT_MS,
  })
  // An idle connection that is cut reports here; the next query opens another one.
  pool.on('error', () => {})
  // One that is cut while it is in use fails its query; without a listener it would end the process besides.
  pool.on('connect', (client) => client.on('error', () => {}))
  return pool
}

export function createPostgresDialect(pool: Pool, url: string): Dialect {
  const dialect = new PostgresDialect({ pool })
  return {
    createDriver: (): Driver => new GuardedDriver(pool, url),
    createAdapter: () => dialect.createAdapter(),
    createQueryCompiler: () => dialect.createQueryCompiler(),
    createIntrospector: (db) => dialect.createIntrospector(db),
  }
}

/** Turns lost connections and full disks into `STORE_UNAVAILABLE`, wherever they show. */
class GuardedDriver extends PostgresDriver {
  readonly #guarded = new WeakSet<DatabaseConnection>()
  readonly #url: string

  constructor(pool: Pool, url: string) {
    super({ pool })
    this.#url = url
  }

  override async acquireConnection(
    ...options: Parameters<PostgresDriver['acquireConnection']>
  ): Promise<DatabaseConnection> {
    try {
      const connection = await super.acquireConnection(...options)
      this.#guard(connection)
      return connection
    } catch (error) {
      throw postgresUnavailable(error, this.#url)
    }
  }

  #guard(connection: DatabaseConnection): void {
    if (this.#guarded.has(connection)) return
    this.#guarded.add(connection)
    const execute = connection.executeQuery.bind(connection)
    connection.executeQuery = async (...query) => {
      try {
        return await execute(...(query as Parameters<typeof execute>))
      } catch (error) {
        throw toStoreError(error)
      }
    }
  }
}

type TypeParser = (oid: number, format?: string) => (value: string) => unknown
let fallbackParser: TypeParser = () => (value) => value

function numberParser(oid: number, format?: string): (value: string) => unknown {
  return oid === INT8_OID ? Number : fallbackParser(oid, format)
}
