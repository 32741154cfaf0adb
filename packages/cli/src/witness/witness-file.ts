import { chmodSync, closeSync, constants, mkdirSync, openSync } from 'node:fs'
import { dirname } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { KeyhavenError } from '@keyhaven/crypto'
import type { WitnessedLog, WitnessState } from '@keyhaven/directory/log'
import { PRIVATE_FILE_MODE } from '../input/write-file.ts'

const FOLDER_MODE = 0o700
/** How long a writer waits for another process's transaction. */
const BUSY_TIMEOUT_MS = 5_000
/**
 * The last statements hold whatever asks: a size never goes down, and a size once cosigned keeps its root.
 */
const TABLES = `
create table if not exists identity (
  id integer primary key check (id = 1), name text not null, private_key text not null);
create table if not exists logs (
  origin text primary key, size integer not null, root blob not null, note text not null) without rowid;
create trigger if not exists logs_only_grow before update on logs
  when new.size < old.size or (new.size = old.size and new.root <> old.root)
  begin select raise(abort, 'a witness never takes back what it cosigned'); end;
create trigger if not exists logs_stay before delete on logs
  begin select raise(abort, 'a witness never forgets what it cosigned'); end;`

/** Who the witness is. */
export interface WitnessIdentity {
  /** Name of its key. */
  readonly name: string
  /** Ed25519 private JWK, as JSON. */
  readonly privateKey: string
}

/**
 * What a witness keeps: its key and what it cosigned, in one file, so that the one is never without the
 * other.
 */
export interface WitnessFile {
  readonly state: WitnessState
  /** The identity, made and kept if there is none yet; of two processes one makes it. */
  identity(make: () => WitnessIdentity): WitnessIdentity
  close(): void
}

/**
 * Opens or makes the file, readable by its owner only. What is committed survives a power cut.
 *
 * @throws KeyhavenError `STORE_UNAVAILABLE` if it cannot be opened or is none.
 */
export function openWitnessFile(file: string): WitnessFile {
  const database = guard(file, () => {
    createPrivateFile(file)
    const opened = new DatabaseSync(file, { timeout: BUSY_TIMEOUT_MS })
    opened.exec('pragma journal_mode = wal; pragma synchronous = full')
    opened.exec(TABLES)
    return opened
  })
  const selectIdentity = database.prepare('select name, private_key as privateKey from identity where id = 1')
  const insertIdentity = database.prepare('insert into identity values (1, ?, ?) on conflict do nothing')
  const selectLog = database.prepare('select size, root, note from logs where origin = ?')
  const insertLog = database.prepare('insert into logs values (?, ?, ?, ?) on conflict do nothing')
  const updateLog = database.prepare(
    'update logs set size = ?, root = ?, note = ? where origin = ? and size = ?',
  )
  const readIdentity = () => selectIdentity.get() as WitnessIdentity | undefined
  return {
    identity: (make) =>
      guard(file, () => {
        const present = readIdentity()
        if (present) return present
        const { name, privateKey } = make()
        insertIdentity.run(name, privateKey)
        return readIdentity()!
      }),
    state: {
      read: async (origin) =>
        guard(file, () => {
          const row = selectLog.get(origin) as WitnessedLog | undefined
          return row && { size: row.size, root: new Uint8Array(row.root), note: row.note }
        }),
      compareAndSet: async (origin, expectedSize, { size, root, note }) =>
        guard(file, () => {
          // Each statement is a transaction of its own, on the disk before it answers.
          const updated = updateLog.run(size, root, note, origin, expectedSize).changes === 1
          return updated || (expectedSize === 0 && insertLog.run(origin, size, root, note).changes === 1)
        }),
    },
    close: () => {
      if (database.isOpen) database.close()
    },
  }
}

function createPrivateFile(file: string): void {
  mkdirSync(dirname(file), { recursive: true, mode: FOLDER_MODE })
  try {
    closeSync(openSync(file, constants.O_CREAT | constants.O_EXCL | constants.O_WRONLY, PRIVATE_FILE_MODE))
    chmodSync(file, PRIVATE_FILE_MODE) // whatever the umask
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
  }
}

function guard<T>(file: string, work: () => T): T {
  try {
    return work()
  } catch (cause) {
    throw new KeyhavenError('STORE_UNAVAILABLE', `${file}: ${(cause as Error).message}`, { cause })
  }
}
