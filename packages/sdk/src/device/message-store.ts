import type { Awaitable } from '@keyhaven/crypto'
import { type MessagingStore, memoryStore } from '@keyhaven/messaging'

/**
 * Where a device keeps its keys, sessions and archive: an open store, which its owner closes, or how to open one,
 * which `me.close()` closes again.
 */
export type MessageStoreSource = MessagingStore | { open(): Awaitable<MessagingStore> }

/** A store in use, and whether closing it is ours. */
export interface UsedStore {
  readonly store: MessagingStore
  close(): Promise<void>
}

/** @param source - left out: memory, which forgets with the process. @throws TypeError on what is no store. */
export async function openMessageStore(source: MessageStoreSource | undefined): Promise<UsedStore> {
  if (source !== undefined && (typeof source !== 'object' || source === null)) {
    throw new TypeError(
      'store must be an open store, or { open } that gives one, such as indexedDbMessageStore(name)',
    )
  }
  if (source !== undefined && !('open' in source)) return { store: source, close: async () => {} }
  const store = source === undefined ? memoryStore() : await source.open()
  return {
    store,
    async close() {
      await store.close()
    },
  }
}
