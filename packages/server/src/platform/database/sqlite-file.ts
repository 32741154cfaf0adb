import { chmodSync, closeSync, constants, mkdirSync, openSync } from 'node:fs'
import { dirname } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { KeyhavenError } from '@keyhaven/crypto'
import { toStoreError } from './store-error.ts'

/** How long a writer waits for another process's transaction. */
const BUSY_TIMEOUT_MS = 5_000
const DIRECTORY_MODE = 0o700
const FILE_MODE = 0o600

/**
 * Opens (and makes, readable by its owner only) a database file: WAL and synchronous=FULL, so that what is
 * committed survives a power cut; deleted bytes are overwritten with zeros.
 *
 * @throws KeyhavenError `STORE_UNAVAILABLE`, naming the file, if it cannot be opened or is no database.
 */
export function openSqliteFile(file: string, options: { readOnly?: boolean } = {}): DatabaseSync {
  try {
    if (options.readOnly !== true) createPrivateFile(file)
    const database = new DatabaseSync(file, { timeout: BUSY_TIMEOUT_MS, readOnly: options.readOnly === true })
    if (options.readOnly !== true) {
      database.exec('pragma journal_mode = wal; pragma synchronous = full; pragma secure_delete = on')
    }
    return database
  } catch (error) {
    throw named(file, toStoreError(error))
  }
}

/** Whoever configured it must know which file is meant. */
function named(file: string, error: unknown): unknown {
  if (!(error instanceof KeyhavenError)) return error
  return new KeyhavenError(error.code, `${file}: ${error.message}`, { cause: error.cause })
}

function createPrivateFile(file: string): void {
  mkdirSync(dirname(file), { recursive: true, mode: DIRECTORY_MODE })
  try {
    closeSync(openSync(file, constants.O_CREAT | constants.O_EXCL | constants.O_WRONLY, FILE_MODE))
    chmodSync(file, FILE_MODE) // whatever the umask
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
  }
}
