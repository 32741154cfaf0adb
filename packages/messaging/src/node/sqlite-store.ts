import { DatabaseSync, type StatementSync } from 'node:sqlite'
import { type AeadKey, KeyhavenError, overwrite } from '@keyhaven/crypto'
import { nodeBackend } from '@keyhaven/crypto/node'
import { closedStore } from '../store/closed-store.ts'
import type { MessagingStore, StoreChange, StoredValue } from '../store/messaging-store.ts'
import { requireExpected } from '../store/require-expected.ts'
import { SEAL_NONCE_BYTES, sealedValueAad } from '../store/sealed-value.ts'
import { createOwnerOnly, loadStoreKey, STORE_KEY_BYTES } from './store-key.ts'

/** How long to wait for another process that is writing. */
const BUSY_MILLISECONDS = 10_000
const SCHEMA_VERSION = 1
const OWNER_ONLY = 0o600
const LAST = '\u{10ffff}'

export interface SqliteStoreOptions {
  /** The database's file; created, readable by its owner only. */
  readonly path: string
  /** 32 bytes that seal every value; copied. @defaultValue a file `<path>.key`, created with mode 0600 */
  readonly key?: Uint8Array
}

/**
 * A store in an SQLite file: WAL, synchronous=FULL but for relaxed changes. Several processes may open it at once.
 *
 * @throws KeyhavenError `STORE_UNAVAILABLE` if the file cannot be opened, `OPEN_FAILED` for a key that is another's.
 */
export function sqliteStore({ path, key }: SqliteStoreOptions): MessagingStore {
  const secret = key ? Uint8Array.from(key) : loadStoreKey(`${path}.key`, path)
  if (secret.length !== STORE_KEY_BYTES)
    throw new TypeError(`the store's key must be ${STORE_KEY_BYTES} bytes`)
  const aead = nodeBackend.importAeadKey('aes-256-gcm', secret) as AeadKey
  overwrite(secret)
  return new SqliteStore(openDatabase(path), aead)
}

interface Row {
  readonly version: number
  readonly value: Uint8Array
}

class SqliteStore implements MessagingStore {
  readonly #database: DatabaseSync
  readonly #aead: AeadKey
  readonly #select: StatementSync
  readonly #version: StatementSync
  readonly #insert: StatementSync
  readonly #update: StatementSync
  readonly #remove: StatementSync
  readonly #list: StatementSync
  /** As {@link openDatabase} leaves it. */
  #full = true

  constructor(database: DatabaseSync, aead: AeadKey) {
    this.#database = database
    this.#aead = aead
    this.#select = database.prepare('SELECT version, value FROM records WHERE name = ?')
    this.#version = database.prepare('SELECT version FROM records WHERE name = ?')
    this.#insert = database.prepare('INSERT INTO records (name, version, value) VALUES (?, 1, ?)')
    this.#update = database.prepare('UPDATE records SET version = ?, value = ? WHERE name = ?')
    this.#remove = database.prepare('DELETE FROM records WHERE name = ?')
    this.#list = database.prepare(
      'SELECT name FROM records WHERE name > ? AND name < ? ORDER BY name LIMIT ?',
    )
  }

  get(key: string): StoredValue | undefined {
    this.#requireOpen()
    return guarded(() => {
      const row = this.#select.get(key) as Row | undefined
      return row && { value: this.#open(key, row), version: row.version }
    })
  }

  list(prefix: string, { after, limit }: { after?: string; limit?: number } = {}): readonly string[] {
    this.#requireOpen()
    return guarded(() => {
      // A prefix ends in "/", so no key is the prefix itself.
      const from = after !== undefined && after > prefix ? after : prefix
      const rows = this.#list.all(from, prefix + LAST, limit ?? -1) as { name: string }[]
      return rows.map(({ name }) => name)
    })
  }

  commit(change: StoreChange): boolean {
    this.#requireOpen()
    const versions = requireExpected(change)
    const sealed = (change.put ?? []).map(({ key, value }) => {
      const version = (versions.get(key) ?? 0) + 1
      return { key, version, value: this.#seal(key, version, value) }
    })
    return guarded(() => {
      this.#synchronize(change.relaxed !== true)
      this.#database.exec('BEGIN IMMEDIATE')
      try {
        for (const [key, version] of versions) {
          const row = this.#version.get(key) as { version: number } | undefined
          if ((row?.version ?? null) === version) continue
          this.#database.exec('ROLLBACK')
          return false
        }
        for (const { key, version, value } of sealed) {
          if (version === 1) this.#insert.run(key, value)
          else this.#update.run(version, value, key)
        }
        for (const key of change.delete ?? []) this.#remove.run(key)
        this.#database.exec('COMMIT')
        return true
      } catch (error) {
        if (this.#database.isTransaction) this.#database.exec('ROLLBACK')
        throw error
      }
    })
  }

  close(): void {
    if (this.#database.isOpen) this.#database.close()
  }

  #requireOpen(): void {
    if (!this.#database.isOpen) throw closedStore()
  }

  /** Whether a commit waits for the disk. Without it the file is whole after a loss of power, but older (WAL). */
  #synchronize(full: boolean): void {
    if (full === this.#full) return
    this.#database.exec(`PRAGMA synchronous = ${full ? 'FULL' : 'NORMAL'}`)
    this.#full = full
  }

  #seal(key: string, version: number, value: Uint8Array): Uint8Array {
    const nonce = nodeBackend.randomBytes(SEAL_NONCE_BYTES)
    const ciphertext = this.#aead.seal(nonce, value, sealedValueAad(key, version)) as Uint8Array
    const sealed = new Uint8Array(nonce.length + ciphertext.length)
    sealed.set(nonce)
    sealed.set(ciphertext, nonce.length)
    return sealed
  }

  #open(key: string, { version, value }: Row): Uint8Array {
    try {
      if (value.length < SEAL_NONCE_BYTES) throw new RangeError('cut')
      const nonce = value.subarray(0, SEAL_NONCE_BYTES)
      const sealed = value.subarray(SEAL_NONCE_BYTES)
      return this.#aead.open(nonce, sealed, sealedValueAad(key, version)) as Uint8Array
    } catch (cause) {
      const what = 'a stored value does not open: the key is of another store, or the file was changed'
      throw new KeyhavenError('OPEN_FAILED', what, { cause })
    }
  }
}

function openDatabase(path: string): DatabaseSync {
  return guarded(() => {
    createOwnerOnly(path, OWNER_ONLY)
    const database = new DatabaseSync(path, { timeout: BUSY_MILLISECONDS })
    database.exec('PRAGMA journal_mode = WAL')
    database.exec('PRAGMA synchronous = FULL')
    // What is deleted is overwritten: old keys must not stay in free pages.
    database.exec('PRAGMA secure_delete = ON')
    database.exec(
      'CREATE TABLE IF NOT EXISTS records (name TEXT PRIMARY KEY, version INTEGER NOT NULL, value BLOB NOT NULL) STRICT, WITHOUT ROWID',
    )
    const { user_version: found } = database.prepare('PRAGMA user_version').get() as { user_version: number }
    if (found > SCHEMA_VERSION) {
      database.close()
      throw new KeyhavenError('STORE_UNAVAILABLE', 'the store was written by a newer version')
    }
    if (found < SCHEMA_VERSION) database.exec(`PRAGMA user_version = ${SCHEMA_VERSION}`)
    return database
  })
}

function guarded<T>(run: () => T): T {
  try {
    return run()
  } catch (error) {
    if (error instanceof KeyhavenError || error instanceof TypeError) throw error
    // SQLite's words, such as "file is not a database" or "database is locked": they hold no values.
    const why = error instanceof Error ? error.message : String(error)
    throw new KeyhavenError('STORE_UNAVAILABLE', `the store cannot be read or written: ${why}`, {
      cause: error,
    })
  }
}
