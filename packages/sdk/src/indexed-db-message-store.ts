import type { MessageStoreSource } from './device/message-store.ts'

/**
 * Keeps a device in IndexedDB, for all tabs of an origin. What lies there is sealed with a key that the
 * browser keeps and that no script can read.
 *
 * @param name - of the database: one for each application and user of the page. @defaultValue
 *   `keyhaven-messaging`
 */
export function indexedDbMessageStore(name?: string): Exclude<MessageStoreSource, { close(): unknown }> {
  return { open: async () => (await import('./device/index.ts')).indexedDbStore(name) }
}
