import type { ChannelStorage } from '@keyhaven/channel'

const STORE = 'values'
const SCHEMA_VERSION = 1

export interface IndexedDbStorageOptions {
  /** @defaultValue `keyhaven` */
  readonly databaseName?: string
  /** @defaultValue the browser's `indexedDB` */
  readonly indexedDB?: IDBFactory
}

/**
 * Keeps a channel's state in IndexedDB: it survives reloads, and all tabs and workers of an origin share it.
 * It holds no secret, only what the app has seen already, so that it cannot be shown an older manifest.
 *
 * @throws TypeError where there is no IndexedDB.
 */
export function indexedDbStorage(options: IndexedDbStorageOptions = {}): ChannelStorage {
  const factory = options.indexedDB ?? globalThis.indexedDB
  if (factory === undefined) throw new TypeError('there is no IndexedDB here: pass another storage')
  let opening: Promise<IDBDatabase> | undefined

  function database(): Promise<IDBDatabase> {
    opening ??= open(factory, options.databaseName ?? 'keyhaven', () => {
      opening = undefined
    })
    return opening
  }

  return {
    async get(key) {
      const store = (await database()).transaction(STORE, 'readonly').objectStore(STORE)
      const value: unknown = await settled(store.get(key))
      return typeof value === 'string' ? value : undefined
    },
    async set(key, value) {
      const transaction = (await database()).transaction(STORE, 'readwrite')
      transaction.objectStore(STORE).put(value, key)
      await committed(transaction)
    },
  }
}

/** @param onGone - called when the connection ends, or never came about: the next call opens a new one. */
async function open(factory: IDBFactory, name: string, onGone: () => void): Promise<IDBDatabase> {
  const request = factory.open(name, SCHEMA_VERSION)
  request.onupgradeneeded = () => request.result.createObjectStore(STORE)
  try {
    const database = await settled(request)
    database.onclose = onGone
    // Another tab wants to delete or upgrade the database: do not stand in its way.
    database.onversionchange = () => {
      database.close()
      onGone()
    }
    return database
  } catch (error) {
    onGone()
    throw error
  }
}

function settled<T>(request: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result)
    request.onerror = () => reject(request.error)
  })
}

function committed(transaction: IDBTransaction): Promise<void> {
  return new Promise((resolve, reject) => {
    transaction.oncomplete = () => resolve()
    transaction.onabort = () => reject(transaction.error)
    transaction.onerror = () => reject(transaction.error)
  })
}
