import { KeyhavenError } from '@keyhaven/crypto'
import { closedStore } from './closed-store.ts'
import type { MessagingStore, StoreChange, StoredValue } from './messaging-store.ts'
import { requireExpected } from './require-expected.ts'
import { SEAL_NONCE_BYTES, sealedValueAad } from './sealed-value.ts'

const DATABASE_VERSION = 1
const VALUES = 'values'
const KEYS = 'keys'
const WRAPPING_KEY = 'wrapping-key'
const AES_GCM = 'AES-GCM'
const KEY_BITS = 256
/** Above every character that a key name has. */
const LAST = '\uffff'

interface SealedRow {
  readonly version: number
  /** Nonce, 12 bytes ‖ ciphertext and tag. */
  readonly sealed: Uint8Array<ArrayBuffer>
}

/**
 * A store in a browser's IndexedDB, for all tabs of an origin. Values are sealed with an AES-256-GCM key that the browser
 * keeps and scripts cannot read.
 *
 * @param name - of the database: one for each application and user.
 * @throws KeyhavenError `UNSUPPORTED` without IndexedDB or WebCrypto, `STORE_UNAVAILABLE`.
 */
export async function indexedDbStore(name: string = 'keyhaven-messaging'): Promise<MessagingStore> {
  if (typeof indexedDB === 'undefined' || globalThis.crypto?.subtle === undefined) {
    throw new KeyhavenError('UNSUPPORTED', 'this runtime has no IndexedDB or no WebCrypto')
  }
  const database = await openDatabase(name)
  const wrappingKey = await loadWrappingKey(database)
  return new IndexedDbStore(database, wrappingKey)
}

class IndexedDbStore implements MessagingStore {
  readonly #database: IDBDatabase
  readonly #key: CryptoKey

  constructor(database: IDBDatabase, key: CryptoKey) {
    this.#database = database
    this.#key = key
    // Another tab with a newer version of the app may change the database.
    database.onversionchange = () => database.close()
  }

  async get(key: string): Promise<StoredValue | undefined> {
    const row = await requested<SealedRow | undefined>(this.#read().get(key))
    return row && { value: await this.#open(key, row), version: row.version }
  }

  async list(
    prefix: string,
    { after, limit }: { after?: string; limit?: number } = {},
  ): Promise<readonly string[]> {
    const end = prefix + LAST
    const isAfter = after !== undefined && after >= prefix
    if (isAfter && after >= end) return []
    const range = isAfter ? IDBKeyRange.bound(after, end, true) : IDBKeyRange.bound(prefix, end)
    return (await requested(this.#read().getAllKeys(range, limit))) as string[]
  }

  async commit(change: StoreChange): Promise<boolean> {
    const versions = requireExpected(change)
    // A transaction of IndexedDB ends when it has nothing to do, so sealing comes first.
    const rows: [string, SealedRow][] = []
    for (const { key, value } of change.put ?? []) {
      const version = (versions.get(key) ?? 0) + 1
      rows.push([key, { version, sealed: await this.#seal(key, version, value) }])
    }
    const transaction = this.#transaction('readwrite', change.relaxed ? 'relaxed' : 'strict')
    const done = completed(transaction)
    const values = transaction.objectStore(VALUES)
    const found = [...versions.keys()].map((key) => requested<SealedRow | undefined>(values.get(key)))
    const current = await Promise.all(found)
    const holds = [...versions.values()].every((version, at) => (current[at]?.version ?? null) === version)
    if (holds) {
      for (const [key, row] of rows) values.put(row, key)
      for (const key of change.delete ?? []) values.delete(key)
    }
    await done
    return holds
  }

  close(): void {
    this.#database.close()
  }

  #read(): IDBObjectStore {
    return this.#transaction('readonly').objectStore(VALUES)
  }

  #transaction(mode: IDBTransactionMode, durability: 'relaxed' | 'strict' = 'strict'): IDBTransaction {
    try {
      return this.#database.transaction(VALUES, mode, { durability })
    } catch (cause) {
      // The name of what a closed connection throws.
      throw cause instanceof DOMException && cause.name === 'InvalidStateError'
        ? closedStore(cause)
        : unavailable(cause)
    }
  }

  async #seal(key: string, version: number, value: Uint8Array): Promise<Uint8Array<ArrayBuffer>> {
    const nonce = crypto.getRandomValues(new Uint8Array(SEAL_NONCE_BYTES))
    const parameters = { name: AES_GCM, iv: nonce, additionalData: sealedValueAad(key, version) }
    const plaintext = value.slice()
    const ciphertext = new Uint8Array(await crypto.subtle.encrypt(parameters, this.#key, plaintext))
    plaintext.fill(0)
    const sealed = new Uint8Array(nonce.length + ciphertext.length)
    sealed.set(nonce)
    sealed.set(ciphertext, nonce.length)
    return sealed
  }

  async #open(key: string, { version, sealed }: SealedRow): Promise<Uint8Array> {
    const iv = sealed.slice(0, SEAL_NONCE_BYTES)
    const parameters = { name: AES_GCM, iv, additionalData: sealedValueAad(key, version) }
    try {
      return new Uint8Array(
        await crypto.subtle.decrypt(parameters, this.#key, sealed.slice(SEAL_NONCE_BYTES)),
      )
    } catch {
      throw new KeyhavenError('OPEN_FAILED', 'a stored value does not open')
    }
  }
}

async function loadWrappingKey(database: IDBDatabase): Promise<CryptoKey> {
  const usages: KeyUsage[] = ['encrypt', 'decrypt']
  const fresh = await crypto.subtle.generateKey({ name: AES_GCM, length: KEY_BITS }, false, usages)
  const transaction = database.transaction(KEYS, 'readwrite', { durability: 'strict' })
  const done = completed(transaction)
  const keys = transaction.objectStore(KEYS)
  const known = await requested<CryptoKey | undefined>(keys.get(WRAPPING_KEY))
  if (!known) keys.put(fresh, WRAPPING_KEY)
  await done
  return known ?? fresh
}

function openDatabase(name: string): Promise<IDBDatabase> {
  const opening = indexedDB.open(name, DATABASE_VERSION)
  opening.onupgradeneeded = () => {
    opening.result.createObjectStore(VALUES)
    opening.result.createObjectStore(KEYS)
  }
  return requested(opening)
}

function requested<T>(request: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result)
    request.onerror = () => reject(unavailable(request.error))
  })
}

function completed(transaction: IDBTransaction): Promise<void> {
  const done = new Promise<void>((resolve, reject) => {
    transaction.oncomplete = () => resolve()
    transaction.onabort = () => reject(unavailable(transaction.error))
    transaction.onerror = () => reject(unavailable(transaction.error))
  })
  // Awaited later: without this a failure before that would count as unhandled.
  done.catch(() => undefined)
  return done
}

function unavailable(cause: unknown): KeyhavenError {
  return new KeyhavenError('STORE_UNAVAILABLE', 'IndexedDB failed', { cause })
}
