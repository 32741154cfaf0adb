import { mkdirSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { KeyhavenError } from '@keyhaven/crypto'
import type { DatabaseConfig } from './platform/config/config.ts'

const LOCK_FILE = 'server.lock'
const DIRECTORY_MODE = 0o700
const SQLITE_BUSY = 5
const PRIMARY_CODE_MASK = 0xff

export interface DataLock {
  release(): void
}

/**
 * `alone`: no other server, because what this one remembers lies in its memory. `shared`: others that share
 * what they remember. `maintenance`: no server at all, because this is none, and replaces what a server
 * relies on.
 */
export type DataLockMode = 'alone' | 'shared' | 'maintenance'

/**
 * Says who uses the folder of a database, by a lock of the operating system that ends with the process,
 * however it ends.
 *
 * @throws KeyhavenError `CONFIG_INVALID` if another server runs that does not allow it.
 */
export function lockDataFolder(folder: string, mode: DataLockMode): DataLock {
  const lock = new DatabaseSync(join(folder, LOCK_FILE), { timeout: 0 })
  try {
    // A rollback-journal database: a read transaction takes SQLite's shared lock, an exclusive one the
    // exclusive.
    lock.exec('PRAGMA journal_mode = DELETE')
    if (mode === 'shared') {
      lock.exec('BEGIN')
      lock.prepare('SELECT count(*) FROM sqlite_schema').get()
    } else {
      lock.exec('BEGIN EXCLUSIVE')
    }
  } catch (error) {
    lock.close()
    const { errcode } = error as { errcode?: number }
    if (errcode !== undefined && (errcode & PRIMARY_CODE_MASK) === SQLITE_BUSY) {
      throw new KeyhavenError(
        'CONFIG_INVALID',
        mode === 'maintenance'
          ? `a server uses ${folder}: stop it first, then run this again`
          : `another server uses ${folder}: stop it, give this one a data folder (--data) and a database ` +
              'of its own, or start one server with --workers',
        { cause: error },
      )
    }
    throw error
  }
  return { release: () => lock.close() }
}

/**
 * Locks a SQLite database; several servers on one PostgreSQL share what they remember. It is the database's
 * folder that counts, since two servers with data folders of their own can be given one database.
 *
 * @throws as {@link lockDataFolder}.
 */
export function lockDatabase(database: DatabaseConfig, mode: DataLockMode): DataLock | undefined {
  if (database.dialect !== 'sqlite') return undefined
  const folder = dirname(database.file)
  mkdirSync(folder, { recursive: true, mode: DIRECTORY_MODE })
  return lockDataFolder(folder, mode)
}
