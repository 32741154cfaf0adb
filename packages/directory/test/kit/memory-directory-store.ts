import { equalConstantTime } from '@keyhaven/crypto'
import type {
  DirectoryAuditEntry,
  DirectoryReads,
  DirectoryStore,
  DirectoryTransaction,
  Paged,
  StoredDevice,
  StoredEncryptionKey,
  StoredEntry,
  StoredSignUpToken,
  StoredUser,
} from '../../src/service/index.ts'

/**
 * The directory's store in memory, with the promises that a database gives: writes show at the commit, a lock
 * is held to the end of its transaction, a user that is not there cannot be locked. Transactions run at the
 * same time.
 */
export class MemoryDirectoryStore implements DirectoryStore<MemoryTransaction> {
  readonly users = new Map<string, StoredUser>()
  readonly entries = new Map<string, StoredEntry[]>()
  readonly devices = new Map<string, StoredDevice>()
  readonly keys = new Map<string, Map<string, StoredEncryptionKey>>()
  readonly tokens = new Map<string, StoredSignUpToken>()
  readonly audit: DirectoryAuditEntry[] = []
  readonly locks = new Locks()
  /** Runs before each step of a transaction: lets others go between. */
  readonly pause: () => Promise<void>

  constructor(pause: () => Promise<void> = async () => undefined) {
    this.pause = pause
  }

  /** What is committed. */
  get reads(): DirectoryReads {
    return new MemoryTransaction(this)
  }

  async transaction<T>(run: (tx: MemoryTransaction) => Promise<T>): Promise<T> {
    const tx = new MemoryTransaction(this)
    try {
      const result = await run(tx)
      await this.pause()
      for (const write of tx.writes) write()
      return result
    } finally {
      tx.releaseLocks()
    }
  }
}

export class MemoryTransaction implements DirectoryTransaction {
  readonly writes: (() => void)[] = []
  readonly #store: MemoryDirectoryStore
  readonly #held = new Map<string, () => void>()

  constructor(store: MemoryDirectoryStore) {
    this.#store = store
  }

  async lock(name: string): Promise<void> {
    await this.#store.pause()
    if (!this.#held.has(name)) this.#held.set(name, await this.#store.locks.acquire(name))
  }

  releaseLocks(): void {
    for (const release of this.#held.values()) release()
  }

  async findUser(username: string) {
    await this.#store.pause()
    return this.#store.users.get(username)
  }

  async lockUser(username: string) {
    if (await this.findUser(username)) await this.lock(`user ${username}`)
    return await this.findUser(username)
  }

  async entries(username: string, after: number, limit?: number) {
    await this.#store.pause()
    const later = (this.#store.entries.get(username) ?? []).filter(({ sequence }) => sequence > after)
    return later.slice(0, limit)
  }

  async insertEntry(username: string, entry: StoredEntry) {
    await this.lock(`entry ${entry.sequence} of ${username}`)
    const present = this.#store.entries.get(username) ?? []
    if (present.some(({ sequence }) => sequence === entry.sequence)) return false
    this.writes.push(() => {
      const rows = this.#store.entries.get(username) ?? []
      this.#store.entries.set(username, [...rows, entry])
    })
    return true
  }

  async saveUser(user: StoredUser) {
    this.writes.push(() => this.#store.users.set(user.username, user))
  }

  async findDevice(device: string) {
    await this.#store.pause()
    return this.#store.devices.get(device)
  }

  async saveDevices(devices: readonly StoredDevice[]) {
    this.writes.push(() => {
      for (const device of devices) this.#store.devices.set(device.device, device)
    })
  }

  async saveEncryptionKey(username: string, key: StoredEncryptionKey) {
    this.writes.push(() => {
      const keys = this.#store.keys.get(username) ?? new Map()
      this.#store.keys.set(username, keys.set(key.device, key))
    })
  }

  async encryptionKeys(username: string, now: number) {
    await this.#store.pause()
    return [...(this.#store.keys.get(username)?.values() ?? [])].filter(({ expires }) => expires > now)
  }

  async deleteEncryptionKeys(username: string, device?: string) {
    this.writes.push(() => {
      if (device === undefined) this.#store.keys.delete(username)
      else this.#store.keys.get(username)?.delete(device)
    })
  }

  async insertSignUpToken(token: StoredSignUpToken) {
    this.writes.push(() => this.#store.tokens.set(token.id, token))
  }

  async findSignUpToken(hash: Uint8Array) {
    await this.#store.pause()
    return [...this.#store.tokens.values()].find((token) => equalConstantTime(token.hash, hash))
  }

  async useSignUpToken(id: string, usedAt: number) {
    await this.lock(`token ${id}`)
    const token = this.#store.tokens.get(id)
    if (!token || token.usedAt !== null) return false
    this.writes.push(() => this.#store.tokens.set(id, { ...token, usedAt }))
    return true
  }

  async deleteSignUpToken(id: string) {
    await this.lock(`token ${id}`)
    const token = this.#store.tokens.get(id)
    this.writes.push(() => this.#store.tokens.delete(id))
    return token
  }

  async listSignUpTokens(page: { cursor?: string; limit: number }) {
    return paged([...this.#store.tokens.values()].reverse(), page)
  }

  async listUsers(page: { cursor?: string; limit: number; prefix?: string }) {
    const users = [...this.#store.users.values()]
    return paged(
      users.filter(({ username }) => username.startsWith(page.prefix ?? '')),
      page,
    )
  }

  async devicesOf(username: string) {
    await this.#store.pause()
    return [...this.#store.devices.values()].filter((device) => device.username === username)
  }

  audit(entry: DirectoryAuditEntry) {
    this.writes.push(() => this.#store.audit.push(entry))
  }
}

function paged<T>(
  items: readonly T[],
  { cursor = '0', limit }: { cursor?: string; limit: number },
): Paged<T> {
  const start = Number(cursor)
  const next = start + limit < items.length ? String(start + limit) : null
  return { items: items.slice(start, start + limit), next }
}

class Locks {
  readonly #tails = new Map<string, Promise<void>>()

  /** Waits for whoever holds it. @returns what gives it back. */
  async acquire(name: string): Promise<() => void> {
    const before = this.#tails.get(name)
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#tails.set(name, before ? before.then(() => promise) : promise)
    await before
    return resolve
  }
}
