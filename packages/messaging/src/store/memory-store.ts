import { closedStore } from './closed-store.ts'
import type { MessagingStore, StoreChange, StoredValue } from './messaging-store.ts'
import { requireExpected } from './require-expected.ts'

/** Keeps everything in memory, for tests and for devices that end with their process. */
export function memoryStore(): MessagingStore {
  const values = new Map<string, StoredValue>()
  let isClosed = false
  function requireOpen(): void {
    if (isClosed) throw closedStore()
  }
  return {
    get(key) {
      requireOpen()
      const stored = values.get(key)
      return stored && { value: stored.value.slice(), version: stored.version }
    },
    list(prefix, { after, limit = Number.POSITIVE_INFINITY } = {}) {
      requireOpen()
      const keys: string[] = []
      for (const key of values.keys()) {
        if (key.startsWith(prefix) && (after === undefined || key > after)) keys.push(key)
      }
      return keys.sort().slice(0, limit)
    },
    commit(change: StoreChange) {
      requireOpen()
      requireExpected(change)
      for (const { key, version } of change.expect) {
        if ((values.get(key)?.version ?? null) !== version) return false
      }
      for (const { key, value } of change.put ?? []) {
        const previous = values.get(key)
        values.set(key, { value: value.slice(), version: (previous?.version ?? 0) + 1 })
        previous?.value.fill(0)
      }
      for (const key of change.delete ?? []) {
        values.get(key)?.value.fill(0)
        values.delete(key)
      }
      return true
    },
    close() {
      isClosed = true
      for (const { value } of values.values()) value.fill(0)
      values.clear()
    },
  }
}
