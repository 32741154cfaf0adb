import { type Awaitable, KeyhavenError } from '@keyhaven/crypto'

/**
 * Where a channel keeps what must outlive a restart: its installation id, the newest manifest it has seen,
 * the newest pinned key that worked. Nothing in it is secret; losing it loses the protection against an older
 * manifest.
 */
export interface ChannelStorage {
  get(key: string): Awaitable<string | undefined>
  set(key: string, value: string): Awaitable<void>
}

/** Forgets with the process. */
export function createMemoryStorage(): ChannelStorage {
  const values = new Map<string, string>()
  return {
    get: (key) => values.get(key),
    set: (key, value) => {
      values.set(key, value)
    },
  }
}

/** Names of the stored values. Two servers with an application of one name do not share them. */
export interface StorageKeys {
  readonly installation: string
  readonly manifest: string
  readonly pinned: string
}

export function storageKeys(url: string, applicationId: string): StorageKeys {
  const prefix = `keyhaven/${applicationId}@${url}`
  return {
    installation: `${prefix}/installation`,
    manifest: `${prefix}/manifest`,
    pinned: `${prefix}/pinned`,
  }
}

/**
 * @throws KeyhavenError `STORE_UNAVAILABLE`: going on without the stored value would forget what was refused
 *   before.
 */
export async function readStored(storage: ChannelStorage, key: string): Promise<string | undefined> {
  try {
    return await storage.get(key)
  } catch (cause) {
    throw new KeyhavenError(
      'STORE_UNAVAILABLE',
      'the channel cannot read its storage: pass a `storage` that works here, or none to keep state in ' +
        'memory',
      { cause },
    )
  }
}

/** @throws KeyhavenError `STORE_UNAVAILABLE`. */
export async function writeStored(storage: ChannelStorage, key: string, value: string): Promise<void> {
  try {
    await storage.set(key, value)
  } catch (cause) {
    throw new KeyhavenError('STORE_UNAVAILABLE', 'the channel cannot write to its storage', { cause })
  }
}
