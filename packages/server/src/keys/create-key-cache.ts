import type { KeyService, ManagedE2eKey } from '@keyhaven/keys'
import type { StateTransaction } from '../platform/state/state.ts'
import type { StateChanges } from '../platform/state/state-changes.ts'
import type { ApplicationKeys } from './application-keys.ts'
import type { CachedKey, KeyCache } from './key-cache.ts'

export interface KeyCacheOptions {
  /** Reads an application's keys from the database. */
  readonly load: (applicationId: string) => Promise<ApplicationKeys>
  readonly keys: Pick<KeyService<StateTransaction>, 'importE2eKey'>
  readonly changes: StateChanges
  /** Milliseconds since the epoch. */
  readonly clock: () => number
  /** The least recently used applications beyond this are forgotten. */
  readonly maxApplications: number
}

interface Entry extends ApplicationKeys {
  /** Imported so far; the others wait for their first request. */
  readonly ready: Map<number, ReadyKey>
}

interface ReadyKey extends CachedKey {
  /** Milliseconds; null for no planned end. */
  readonly endAt: number | null
}

/** An LRU by application that forgets an application when its keys change, in whatever process. */
export function createKeyCache(options: KeyCacheOptions): KeyCache {
  const { changes, clock, maxApplications } = options
  const entries = new Map<string, Entry>()
  const loading = new Map<string, { stale: boolean; entry: Promise<Entry> }>()

  changes.onChange((applicationId) => {
    if (applicationId === undefined) {
      entries.clear()
      for (const load of loading.values()) load.stale = true
    } else {
      entries.delete(applicationId)
      const load = loading.get(applicationId)
      if (load !== undefined) load.stale = true
    }
  })

  const keep = (applicationId: string, entry: Entry): void => {
    // An application that does not exist shall not push out one that does.
    if (entry.live.length === 0 && entry.revokedKeyIds.size === 0) return
    if (entries.size >= maxApplications) entries.delete(entries.keys().next().value ?? '')
    entries.set(applicationId, entry)
  }

  const loadEntry = async (applicationId: string, load: { stale: boolean }): Promise<Entry> => {
    for (;;) {
      load.stale = false
      const entry = { ...(await options.load(applicationId)), ready: new Map() }
      if (load.stale) continue // a change came while this was read: read again
      keep(applicationId, entry)
      return entry
    }
  }

  const entryOf = (applicationId: string): Promise<Entry> => {
    const known = entries.get(applicationId)
    if (known !== undefined) return Promise.resolve(known)
    const under = loading.get(applicationId)
    if (under !== undefined) return under.entry
    const load = { stale: false } as { stale: boolean; entry: Promise<Entry> }
    loading.set(applicationId, load) // before the first read, so that no change is missed
    load.entry = loadEntry(applicationId, load).finally(() => loading.delete(applicationId))
    return load.entry
  }

  // The scheduler erases the key; this holds even while it is late, or in a process without one.
  const hasEnded = ({ endAt }: Pick<ManagedE2eKey, 'endAt'>): boolean => endAt !== null && endAt <= clock()

  const pick = async (entry: Entry, keyId: number): Promise<CachedKey | undefined> => {
    const ready = entry.ready.get(keyId)
    if (ready !== undefined) return hasEnded(ready) ? ended(ready) : ready
    const key = entry.live.find((candidate) => candidate.keyId === keyId)
    if (key === undefined) {
      return entry.revokedKeyIds.has(keyId) ? { id: '', keyId, state: 'revoked', aeads: [] } : undefined
    }
    if (hasEnded(key)) return ended(key)
    const privateKey = await options.keys.importE2eKey(key)
    const { id, state, endAt } = key
    const cached = { id, keyId, state, privateKey, aeads: [key.suite.aead], endAt }
    entry.ready.set(keyId, cached)
    return cached
  }

  const findSlowly = async (
    applicationId: string,
    keyId: number,
    fresh: Promise<void> | undefined,
  ): Promise<CachedKey | undefined> => {
    await fresh
    const entry = await entryOf(applicationId)
    const found = await pick(entry, keyId)
    if (found !== undefined) {
      // A revocation may have come while the key was imported.
      if (found.state === 'revoked' || entries.get(applicationId) === entry) return found
      return pick(await entryOf(applicationId), keyId)
    }
    // Perhaps another process has just added it.
    await changes.refresh()
    return pick(await entryOf(applicationId), keyId)
  }

  const live = async (applicationId: string): Promise<readonly ManagedE2eKey[]> => {
    await changes.confirmFresh()
    return (await entryOf(applicationId)).live
  }

  return {
    find(applicationId, keyId) {
      const entry = entries.get(applicationId)
      const ready = entry?.ready.get(keyId)
      const fresh = changes.confirmFresh()
      if (entry === undefined || ready === undefined || fresh !== undefined || hasEnded(ready)) {
        return findSlowly(applicationId, keyId, fresh)
      }
      entries.delete(applicationId)
      entries.set(applicationId, entry) // now the most recently used
      return ready
    },
    live,
    advertised: async (applicationId) =>
      (await live(applicationId)).filter((key) => key.state === 'active' && !hasEnded(key)),
  }
}

function ended({ id, keyId }: { readonly id: string; readonly keyId: number }): CachedKey {
  return { id, keyId, state: 'revoked', aeads: [] }
}
