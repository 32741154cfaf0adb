import { KeyhavenError } from '@keyhaven/crypto'

const SQLITE_BUSY = 5
/** SQLite primary result codes (sqlite.org/rescode.html) that mean "cannot read or write now". */
const SQLITE_UNAVAILABLE: ReadonlyMap<number, string> = new Map([
  [SQLITE_BUSY, 'the database is busy'],
  [6, 'a table is locked'],
  [7, 'out of memory'],
  [8, 'the database is read-only'],
  [10, 'reading or writing the disk failed'],
  [11, 'the database file is damaged'],
  [13, 'the disk is full'],
  [14, 'the database file cannot be opened'],
  [26, 'the file is not a database'],
])
const SQLITE_CONSTRAINT_UNIQUE = 2067
const SQLITE_CONSTRAINT_PRIMARY_KEY = 1555
/**
 * PostgreSQL classes (appendix A): connection, resources (disk full), operator intervention, system error.
 */
const POSTGRES_UNAVAILABLE = /^(08|53|57|58|25006|28|3D)/
const POSTGRES_UNIQUE_VIOLATION = '23505'
const POSTGRES_RETRY = new Set(['40001', '40P01'])
const NETWORK = /^(ECONN|EPIPE|ETIMEDOUT|ENOTFOUND|EAI_|EHOST|ENET)/
const DRIVER =
  /Connection terminated|timeout exceeded when trying to connect|Client has encountered|not queryable/

interface DriverError {
  readonly code?: unknown
  readonly errcode?: unknown
  readonly message?: unknown
}

/**
 * What a database driver threw, as `STORE_UNAVAILABLE` if trying again later can help; otherwise as it is.
 */
export function toStoreError(error: unknown): unknown {
  if (error instanceof KeyhavenError || typeof error !== 'object' || error === null) return error
  const { code, errcode, message } = error as DriverError
  if (typeof errcode === 'number') {
    const reason = SQLITE_UNAVAILABLE.get(errcode & 0xff)
    return reason === undefined ? error : unavailable(reason, error)
  }
  if (typeof code === 'string' && POSTGRES_UNAVAILABLE.test(code)) {
    return unavailable(
      code.startsWith('53') ? 'the database is out of disk, memory or connections' : undefined,
      error,
    )
  }
  if (typeof code === 'string' && NETWORK.test(code)) return unavailable(undefined, error)
  if (typeof message === 'string' && DRIVER.test(message)) return unavailable(undefined, error)
  return error
}

/**
 * Whether another process holds the write lock, so that the statement had no effect and may be tried again.
 */
export function isBusy(error: unknown): boolean {
  const { errcode } = ((error as Error | undefined)?.cause ?? {}) as DriverError
  return typeof errcode === 'number' && (errcode & 0xff) === SQLITE_BUSY
}

/** Whether an insert met a row with the same key. */
export function isUniqueViolation(error: unknown): boolean {
  const { code, errcode } = (error ?? {}) as DriverError
  return (
    code === POSTGRES_UNIQUE_VIOLATION ||
    errcode === SQLITE_CONSTRAINT_UNIQUE ||
    errcode === SQLITE_CONSTRAINT_PRIMARY_KEY
  )
}

/** Whether the database undid the transaction because of another one, so that it may simply run again. */
export function isSerializationFailure(error: unknown): boolean {
  const { code } = (error ?? {}) as DriverError
  return typeof code === 'string' && POSTGRES_RETRY.has(code)
}

function unavailable(reason: string | undefined, cause: unknown): KeyhavenError {
  return new KeyhavenError('STORE_UNAVAILABLE', reason ?? 'the database cannot be reached', { cause })
}
