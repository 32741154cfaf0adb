import { fromUtf8, KeyhavenError, utf8 } from '@keyhaven/crypto'
import type { MessagingStore } from '@keyhaven/messaging'

const WRITE_ATTEMPTS = 16

/** Text under one key of the store. The last writer wins: nothing kept so may depend on what was there. */
export async function readText(store: MessagingStore, key: string): Promise<string | undefined> {
  const stored = await store.get(key)
  return stored && fromUtf8(stored.value)
}

/** @throws KeyhavenError `STORE_UNAVAILABLE` if others write the same key all the time. */
export async function writeText(store: MessagingStore, key: string, text: string): Promise<void> {
  const value = utf8(text)
  for (let attempt = 0; attempt < WRITE_ATTEMPTS; attempt++) {
    const version = (await store.get(key))?.version ?? null
    if (await store.commit({ expect: [{ key, version }], put: [{ key, value }] })) return
  }
  throw new KeyhavenError('STORE_UNAVAILABLE', 'the store is changed by others all the time')
}

/** What this device wrote itself, as JSON. */
export class StoredValue<T extends object> {
  readonly #store: MessagingStore
  readonly #key: string

  constructor(store: MessagingStore, key: string) {
    this.#store = store
    this.#key = key
  }

  async read(): Promise<T | undefined> {
    const text = await readText(this.#store, this.#key)
    return text === undefined ? undefined : (JSON.parse(text) as T)
  }

  write(value: T): Promise<void> {
    return writeText(this.#store, this.#key, JSON.stringify(value))
  }
}
