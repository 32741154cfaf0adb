import { type CryptoBackend, toBase64url } from '@keyhaven/crypto'
import type { RecipientKey } from '../wire/request-header.ts'
import { pinnedKeysRefused } from './channel-errors.ts'
import type { PinnedKey } from './channel-options.ts'
import { type ChannelStorage, readStored } from './channel-storage.ts'
import { importPinnedKey } from './pinned-key.ts'
import type { TrustSource } from './trust-source.ts'

export interface PinnedTrustOptions {
  readonly backend: CryptoBackend
  readonly storage: ChannelStorage
  readonly storageKey: string
  /** From the oldest to the newest. */
  readonly pinnedKeys: readonly PinnedKey[]
}

/**
 * Keys that ship inside the app. The client moves forward in their list and never back: a forged refusal can
 * make it try a newer key of the list, which is as good, but only a sealed answer under that key makes it
 * stay there.
 */
export function createPinnedTrust(options: PinnedTrustOptions): TrustSource {
  const { backend, storage, storageKey } = options
  let loading: Promise<readonly RecipientKey[]> | undefined
  let keys: readonly RecipientKey[] = []
  /** Index of the newest key that a sealed answer has come under. */
  let reached = 0
  /**
   * For one call, and in memory only: an app that sends nothing but streams would else never get past an old
   * key.
   */
  let postponed: RecipientKey | undefined

  async function load(): Promise<readonly RecipientKey[]> {
    const imported = await Promise.all(
      options.pinnedKeys.map((key, index) => importPinnedKey(backend, key, index)),
    )
    const stored = await readStored(storage, storageKey)
    const fingerprints = await Promise.all(imported.map(fingerprint))
    // Not found: the key is no longer in the list, so all of the list is newer.
    reached = Math.max(0, stored === undefined ? 0 : fingerprints.indexOf(stored))
    keys = imported
    return imported
  }

  /** A storage that failed is asked again by the next call. */
  function loaded(): Promise<readonly RecipientKey[]> {
    loading ??= load().catch((error) => {
      loading = undefined
      throw error
    })
    return loading
  }

  /** Names a key in storage; ids are used again after a time, the key itself is not. */
  async function fingerprint(key: RecipientKey): Promise<string> {
    return toBase64url(await backend.sha256(key.publicKey.bytes))
  }

  return {
    kind: 'pinned',
    async current() {
      const list = await loaded()
      const key = postponed
      postponed = undefined
      return key ?? list[reached]!
    },
    postpone(key) {
      postponed = key
    },
    // At most one attempt per pinned key, each with the same request id: the gateway runs no more than one of
    // them.
    next: async (refused) => {
      const list = await loaded()
      return list[Math.max(list.indexOf(refused) + 1, reached)]
    },
    async accepted(key) {
      const index = keys.indexOf(key)
      if (index <= reached) return
      reached = index
      try {
        await storage.set(storageKey, await fingerprint(key))
      } catch {
        // The call has run: it must not fail for this. Until the next success, a restart tries the older key
        // first.
      }
    },
    refusal: pinnedKeysRefused,
    refresh: async () => {},
    status: () => ({ keyId: keys[reached]?.keyId, manifest: undefined }),
    close: () => {},
  }
}
