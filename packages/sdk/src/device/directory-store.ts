import { type CryptoBackend, KeyhavenError, toBase64url, utf8 } from '@keyhaven/crypto'
import type { DirectoryClientStore } from '@keyhaven/directory'
import type { MessagingStore } from '@keyhaven/messaging'
import { readText, writeText } from './stored-value.ts'

const NAME_KEY = 'sdk/name-key'
const NAME_KEY_BYTES = 32
const PREFIX = 'sdk/directory/'

/**
 * What the directory's client has verified, in the device's own store. Keys of a store lie there as they are, so they
 * are hashed under a secret: they would name the contacts.
 */
export function directoryStoreIn(store: MessagingStore, backend: CryptoBackend): DirectoryClientStore {
  let nameKey: Promise<Uint8Array> | undefined
  async function named(key: string): Promise<string> {
    nameKey ??= loadNameKey(store, backend)
    return PREFIX + toBase64url(await backend.hmacSha256(await nameKey, utf8(key)))
  }
  return {
    get: async (key) => readText(store, await named(key)),
    set: async (key, value) => writeText(store, await named(key), value),
  }
}

async function loadNameKey(store: MessagingStore, backend: CryptoBackend): Promise<Uint8Array> {
  const value = backend.randomBytes(NAME_KEY_BYTES)
  const expect = [{ key: NAME_KEY, version: null }]
  if (await store.commit({ expect, put: [{ key: NAME_KEY, value }] })) return value
  const stored = await store.get(NAME_KEY)
  if (stored === undefined) throw new KeyhavenError('STORE_UNAVAILABLE', 'the store lost a value')
  return stored.value
}
