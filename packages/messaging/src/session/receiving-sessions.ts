import type { Awaitable } from '@keyhaven/crypto'
import { fromRecord, toRecord } from '../device/key-record.ts'
import type { MessagingStore, StoreChange } from '../store/messaging-store.ts'
import { chain } from './chain.ts'
import {
  CHAIN_PREFIX,
  decodeReceivingChain,
  ENDED_PREFIX,
  encodeReceivingChain,
  type ReceivingChain,
  type ReceivingSession,
  SESSION_PREFIX,
} from './receiving-record.ts'

/** Sessions kept in memory beside the store; older ones are read again. */
const MAX_CACHED_SESSIONS = 20_000

/** A receiving session with the versions of its records: null before it is stored. */
export interface LoadedSession {
  readonly session: ReceivingSession
  readonly chain: ReceivingChain
  readonly version: number | null
  /** Of a session that is not stored yet: whether the sender gave its key to this device alone. */
  readonly sole?: boolean
  /** Of a session that is not stored yet: what must still hold when it is. */
  readonly guard?: { readonly key: string; readonly version: number | null }
}

/** Receiving sessions in the store, moved on by compare-and-set. */
export class ReceivingSessions {
  readonly #store: MessagingStore
  readonly #cache = new Map<string, LoadedSession>()

  constructor(store: MessagingStore) {
    this.#store = store
  }

  /** The session as this process last saw it, or as the store has it. */
  cached(id: string): LoadedSession | undefined {
    return this.#cache.get(id)
  }

  /** What this process knew is not to be relied on. */
  forget(id: string): void {
    this.#cache.delete(id)
  }

  async load(id: string): Promise<LoadedSession | 'ended' | undefined> {
    this.#cache.delete(id)
    const chain = await this.#store.get(CHAIN_PREFIX + id)
    const session = await this.#store.get(SESSION_PREFIX + id)
    if (!chain || !session) return (await this.#store.get(ENDED_PREFIX + id)) ? 'ended' : undefined
    const loaded = {
      session: fromRecord<ReceivingSession>(session.value),
      chain: decodeReceivingChain(chain.value),
      version: chain.version,
    }
    this.#keep(id, loaded)
    return loaded
  }

  /** @returns false if another tab or process was first: load again. */
  advance(
    id: string,
    before: LoadedSession,
    after: ReceivingChain,
    also: Partial<StoreChange> | undefined,
  ): Awaitable<boolean> {
    const isNew = before.version === null
    const expect = [{ key: CHAIN_PREFIX + id, version: before.version }]
    const put = [{ key: CHAIN_PREFIX + id, value: encodeReceivingChain(after) }]
    if (isNew) {
      expect.push({ key: SESSION_PREFIX + id, version: null }, { key: ENDED_PREFIX + id, version: null })
      put.push({ key: SESSION_PREFIX + id, value: toRecord(before.session) })
    }
    if (before.guard) expect.push(before.guard)
    if (also?.expect) expect.push(...also.expect)
    if (also?.put) put.push(...also.put)
    // A message whose reading is undone can be read again. What the sender will not send again is kept at once.
    const relaxed = !isNew && (also === undefined || also.relaxed === true)
    const change: StoreChange = { expect, put, relaxed, ...(also?.delete ? { delete: also.delete } : {}) }
    return chain(this.#store.commit(change), (committed) => {
      if (committed) {
        this.#keep(id, { session: before.session, chain: after, version: (before.version ?? 0) + 1 })
      } else this.#cache.delete(id)
      return committed
    })
  }

  /** Notes that keys of a session are asked for again. Other processes load it anew. */
  async markRepaired(id: string): Promise<void> {
    for (;;) {
      this.#cache.delete(id)
      const chain = await this.#store.get(CHAIN_PREFIX + id)
      const session = await this.#store.get(SESSION_PREFIX + id)
      if (!chain || !session) return
      const record = fromRecord<ReceivingSession>(session.value)
      if (record.repaired) return
      const done = await this.#store.commit({
        expect: [
          { key: CHAIN_PREFIX + id, version: chain.version },
          { key: SESSION_PREFIX + id, version: session.version },
        ],
        put: [
          { key: CHAIN_PREFIX + id, value: chain.value },
          { key: SESSION_PREFIX + id, value: toRecord({ ...record, repaired: true }) },
        ],
      })
      if (done) return
    }
  }

  /** Erases what opens messages of a session; its id stays behind and is refused. */
  async end(id: string): Promise<void> {
    for (;;) {
      this.#cache.delete(id)
      const chain = await this.#store.get(CHAIN_PREFIX + id)
      const session = await this.#store.get(SESSION_PREFIX + id)
      const ended = await this.#store.get(ENDED_PREFIX + id)
      if (ended && !chain && !session) return
      const gone = [
        ...(chain ? [{ key: CHAIN_PREFIX + id, version: chain.version }] : []),
        ...(session ? [{ key: SESSION_PREFIX + id, version: session.version }] : []),
      ]
      const done = await this.#store.commit({
        expect: [...gone, { key: ENDED_PREFIX + id, version: ended?.version ?? null }],
        put: ended ? [] : [{ key: ENDED_PREFIX + id, value: new Uint8Array(0) }],
        delete: gone.map(({ key }) => key),
      })
      if (done) return
    }
  }

  /** Ends every session negotiated before a time, in seconds since epoch. @returns how many. */
  async endOlderThan(issued: number): Promise<number> {
    let ended = 0
    for (const key of await this.#store.list(SESSION_PREFIX)) {
      const stored = await this.#store.get(key)
      if (!stored || fromRecord<ReceivingSession>(stored.value).issued >= issued) continue
      await this.end(key.slice(SESSION_PREFIX.length))
      ended++
    }
    return ended
  }

  clear(): void {
    this.#cache.clear()
  }

  #keep(id: string, loaded: LoadedSession): void {
    if (!this.#cache.has(id) && this.#cache.size >= MAX_CACHED_SESSIONS) {
      const oldest = this.#cache.keys().next().value
      if (oldest !== undefined) this.#cache.delete(oldest)
    }
    this.#cache.set(id, loaded)
  }
}
