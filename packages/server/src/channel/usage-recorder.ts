import type { GatewayEvent } from '@keyhaven/channel/gateway'
import type { KeyCache } from '../keys/key-cache.ts'
import type { UsageCounter } from './usage-counter.ts'
import { createUsageCounter } from './usage-counter.ts'
import type { UsageStore } from './usage-store.ts'

export interface UsageRecorder {
  /** Installations that this process could not keep apart since it started. */
  readonly installationsLeftOut: number
  /** Counts an exchange that was answered. */
  record(event: GatewayEvent): void
  /** Writes what was counted since the last time. What cannot be written is kept for the next. */
  flush(): Promise<void>
}

/** Counts sealed calls by the key's UUID: a key id can be used again after its key was revoked. */
export function createUsageRecorder(
  keyCache: KeyCache,
  store: UsageStore,
  clock: () => number,
  onError: (error: unknown) => void,
): UsageRecorder {
  const counter: UsageCounter = createUsageCounter()
  let installationsLeftOut = 0
  let flushing: Promise<void> = Promise.resolve()

  return {
    get installationsLeftOut() {
      return installationsLeftOut
    },
    record({ applicationId, keyId, client }) {
      if (keyId === undefined) return
      const at = clock()
      const count = (keyUuid: string | undefined) => {
        if (keyUuid !== undefined) counter.count({ applicationId, keyUuid, at, client })
      }
      const key = keyCache.find(applicationId, keyId)
      if (key instanceof Promise) key.then((found) => count(found?.id), onError)
      else count(key?.id)
    },
    flush() {
      flushing = flushing.then(async () => {
        const batch = counter.take()
        try {
          installationsLeftOut += await store.add(batch)
        } catch (error) {
          counter.putBack(batch)
          onError(error)
        }
      })
      return flushing
    },
  }
}
