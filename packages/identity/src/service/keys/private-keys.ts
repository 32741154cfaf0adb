import { type CryptoBackend, KeyhavenError, overwrite, type RsaPrivateKey, toHex } from '@keyhaven/crypto'
import type { ModuleKeys } from '../../keys/identity-keys.ts'
import { keyName, keyNameText } from '../../keys/key-name.ts'
import { findKeyEntry, type KeyRole, keyEntry } from '../../keys/key-tree.ts'
import { openKeyAtRest } from '../../mosip/key-at-rest.ts'
import type { Profile } from '../../profile.ts'
import { keyAtRestContext } from './key-at-rest-context.ts'
import type { TrustedKey } from './trusted-keys.ts'

export interface PrivateKeyOptions {
  readonly backend: CryptoBackend
  readonly moduleKeys: ModuleKeys
  readonly role: KeyRole
  readonly profile: Profile
  readonly applicationId: string
}

/** Private parts of base keys, unwrapped when first used, kept in memory up to a bound. */
export interface PrivateKeys {
  /** @throws KeyhavenError `OPEN_FAILED`; `STORE_UNAVAILABLE` if the key itself does not unwrap. */
  decrypt(key: TrustedKey, wrapped: Uint8Array): Promise<Uint8Array>
}

/** @param limit - keys in memory, the least recently used out first. */
export function createPrivateKeys(options: PrivateKeyOptions, limit: number): PrivateKeys {
  const { backend } = options
  const keys = new Map<string, RsaPrivateKey>()
  const loading = new Map<string, Promise<RsaPrivateKey>>()

  const load = async ({ record, certificate }: TrustedKey): Promise<RsaPrivateKey> => {
    const parent = keyEntry(findKeyEntry(options.role, record.name)?.parent ?? '').name ?? keyName('')
    const module = await options.moduleKeys.ensure(parent, 'rsa-2048', record.parentGeneration ?? 0)
    const context = keyAtRestContext(options.profile, options.applicationId, record.name, record.generation)
    let pkcs8: Uint8Array | undefined
    try {
      const unwrap = (wrapped: Uint8Array) => module.decryptOaep(wrapped)
      pkcs8 = await openKeyAtRest(backend, unwrap, record.wrapped ?? '', context)
      const key = await backend.rsa.importPrivateKey(pkcs8)
      if (toHex(key.publicKey.spki) !== toHex(certificate.publicKey.spki)) throw damaged(record.name)
      return key
    } catch (error) {
      if (error instanceof KeyhavenError && error.code === 'STORE_UNAVAILABLE') throw error
      throw damaged(record.name)
    } finally {
      if (pkcs8 !== undefined) overwrite(pkcs8)
    }
  }

  const find = (key: TrustedKey): RsaPrivateKey | Promise<RsaPrivateKey> => {
    const { thumbprint } = key.record
    const known = keys.get(thumbprint)
    if (known !== undefined) {
      if (keys.size > limit / 2) {
        keys.delete(thumbprint)
        keys.set(thumbprint, known)
      }
      return known
    }
    const under = loading.get(thumbprint)
    if (under !== undefined) return under
    const loaded = load(key)
      .then((made) => {
        if (keys.size >= limit) keys.delete(keys.keys().next().value!)
        keys.set(thumbprint, made)
        return made
      })
      .finally(() => loading.delete(thumbprint))
    loading.set(thumbprint, loaded)
    return loaded
  }

  return {
    decrypt: async (key, wrapped) => backend.rsa.decryptOaep(await find(key), wrapped),
  }
}

/** Not the caller's fault, and no `OPEN_FAILED`, which would look like one. */
function damaged(name: Parameters<typeof keyNameText>[0]): KeyhavenError {
  return new KeyhavenError(
    'STORE_UNAVAILABLE',
    `the stored private key of ${keyNameText(name)} does not open`,
  )
}
