import { type Awaitable, KeyhavenError } from '@keyhaven/crypto'

/**
 * Where a client remembers what it has verified. Public facts, but whoever can change them can undo what the client
 * knows: keep them where only the app writes. One `set` takes effect whole or not at all.
 */
export interface DirectoryClientStore {
  get(key: string): Awaitable<string | undefined>
  set(key: string, value: string): Awaitable<void>
}

/** Forgets with the process: for tests and first steps. */
export function createMemoryDirectoryStore(): DirectoryClientStore {
  const values = new Map<string, string>()
  return {
    get: (key) => values.get(key),
    set: (key, value) => {
      values.set(key, value)
    },
  }
}

/** One JSON value under one key: what belongs together changes together. */
export class RememberedValue<T extends object> {
  readonly #store: DirectoryClientStore
  readonly #key: string

  constructor(store: DirectoryClientStore, key: string) {
    this.#store = store
    this.#key = key
  }

  /** @throws KeyhavenError `RECORD_INVALID` on what this class did not write: forgetting would be unsafe. */
  async read(): Promise<T | undefined> {
    const text = await this.#store.get(this.#key)
    if (text === undefined) return undefined
    try {
      const { v, value } = JSON.parse(text) as { v: unknown; value: T }
      if (v === 1 && typeof value === 'object' && value !== null) return value
    } catch {
      // As if it were another's.
    }
    throw new KeyhavenError('RECORD_INVALID', 'what the directory client remembered is damaged')
  }

  async write(value: T): Promise<void> {
    await this.#store.set(this.#key, JSON.stringify({ v: 1, value }))
  }
}

/** Names that cannot run into each other. */
export function storeKey(...parts: readonly string[]): string {
  return ['keyhaven-directory', ...parts.map(encodeURIComponent)].join('/')
}
