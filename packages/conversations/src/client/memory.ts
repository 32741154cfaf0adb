import { type CryptoBackend, fromUtf8, KeyhavenError, toBase64url, utf8 } from '@keyhaven/crypto'
import type { MessagingStore } from '@keyhaven/messaging'
import { InOrder } from '../in-order.ts'

const PREFIX = 'conversations/'
const NAME_KEY = `${PREFIX}name-key`
const NAME_KEY_BYTES = 32
const COMMIT_ATTEMPTS = 8

/**
 * - state: a conversation, by id; key: by id; sent: how often a key was used, by its id.
 * - seen: by device and message id; user: by username; receipts: by conversation and page.
 */
export type RecordKind = 'state' | 'key' | 'sent' | 'seen' | 'user' | 'receipts' | 'released'

export interface Remembered<T> {
  readonly value: T
  readonly version: number
}

/**
 * Records of conversations in the device's store, which seals values. Names of keys lie there as they are, so
 * they are hashed under a key of this store: who reads the disk does not learn with whom this device speaks.
 */
export class Memory {
  readonly #store: MessagingStore
  readonly #backend: CryptoBackend
  /** Updates of one record do not stand in each other's way. */
  readonly #updates = new InOrder()
  #nameKey: Promise<Uint8Array> | undefined

  constructor(store: MessagingStore, backend: CryptoBackend) {
    this.#store = store
    this.#backend = backend
  }

  async read<T>(kind: RecordKind, name: string): Promise<Remembered<T> | undefined> {
    const stored = await this.#store.get(await this.#keyOf(kind, name))
    return stored && { value: JSON.parse(fromUtf8(stored.value)) as T, version: stored.version }
  }

  /** Whether there is any record of a kind. */
  async hasAny(kind: RecordKind): Promise<boolean> {
    return (await this.#store.list(`${PREFIX}${kind}/`, { limit: 1 })).length > 0
  }

  /** @param version - what was read; null: nothing. @returns false if another tab or process was first. */
  async write(kind: RecordKind, name: string, value: unknown, version: number | null): Promise<boolean> {
    const key = await this.#keyOf(kind, name)
    const put = [{ key, value: utf8(JSON.stringify(value)) }]
    return this.#store.commit({ expect: [{ key, version }], put })
  }

  /**
   * @param change - asked again whenever another tab or process was first; the value itself leaves it as it
   * is.
   * @throws KeyhavenError `STORE_UNAVAILABLE` if others are first all the time.
   */
  update<T>(kind: RecordKind, name: string, change: (before: T | undefined) => T): Promise<T> {
    return this.#updates.run(`${kind}\n${name}`, () => this.#update(kind, name, change))
  }

  async #update<T>(kind: RecordKind, name: string, change: (before: T | undefined) => T): Promise<T> {
    for (let attempt = 0; attempt < COMMIT_ATTEMPTS; attempt++) {
      const before = await this.read<T>(kind, name)
      const after = change(before?.value)
      if (before !== undefined && after === before.value) return after
      if (await this.write(kind, name, after, before?.version ?? null)) return after
    }
    throw new KeyhavenError('STORE_UNAVAILABLE', 'the store is changed by others all the time: try again')
  }

  async #keyOf(kind: RecordKind, name: string): Promise<string> {
    this.#nameKey ??= this.#loadNameKey().catch((error) => {
      this.#nameKey = undefined
      throw error
    })
    const hashed = await this.#backend.hmacSha256(await this.#nameKey, utf8(`${kind}\n${name}`))
    return `${PREFIX}${kind}/${toBase64url(hashed)}`
  }

  async #loadNameKey(): Promise<Uint8Array> {
    const stored = await this.#store.get(NAME_KEY)
    if (stored) return stored.value
    const value = this.#backend.randomBytes(NAME_KEY_BYTES)
    const expect = [{ key: NAME_KEY, version: null }]
    if (await this.#store.commit({ expect, put: [{ key: NAME_KEY, value }] })) return value
    const first = await this.#store.get(NAME_KEY)
    if (!first) throw new KeyhavenError('STORE_UNAVAILABLE', 'the store lost a value')
    return first.value
  }
}
