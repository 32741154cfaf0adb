import { type Awaitable, type CryptoBackend, KeyhavenError, openFailed, toHex } from '@keyhaven/crypto'
import type { IdentityKeyInfo, IdentityKeys, ModuleKeys } from '../../keys/identity-keys.ts'
import { type KeyName, keyNameText } from '../../keys/key-name.ts'
import { findKeyEntry, KEY_TREE, type KeyEntry, type KeyRole } from '../../keys/key-tree.ts'
import type { Recipient } from '../../mosip/session-key.ts'
import type { Profile } from '../../profile.ts'
import type { Certificate } from '../../x509/certificate.ts'
import { isDue, RENEW_BEFORE_MS } from './key-dates.ts'
import { createKeyMaker } from './key-maker.ts'
import type { IdentityKeyStore } from './ports.ts'
import { createPrivateKeys } from './private-keys.ts'
import { createTrustedKeys, type TrustedKey } from './trusted-keys.ts'

export interface IdentityKeyOptions {
  readonly backend: CryptoBackend
  readonly store: IdentityKeyStore
  readonly moduleKeys: ModuleKeys
  readonly role: KeyRole
  readonly profile: Profile
  readonly applicationId: string
  /** Milliseconds since the epoch. */
  readonly clock: () => number
  /** Certificates of partners, which are no keys of ours: `PARTNER` / partner id. */
  readonly partnerCertificate?: (partnerId: string) => Awaitable<Certificate>
  /** Private keys of base keys kept in memory, the least recently used out first. @defaultValue 1024 */
  readonly cachedKeys?: number
}

/** {@link IdentityKeys}, and what its owner calls now and then. */
export interface ManagedIdentityKeys extends IdentityKeys {
  /** Makes the next generation of every key that is about to end. Several processes may do so at once. */
  tick(): Promise<void>
}

const PARTNER = 'PARTNER'
const SYSTEM = 'system'
const DEFAULT_CACHED_KEYS = 1_024
/** A legacy ciphertext names no key: so many generations are tried. */
const MAX_TRIED_GENERATIONS = 4

/** The key tree of one application: rules and caches over {@link IdentityKeyStore} and {@link ModuleKeys}. */
export function createIdentityKeyService(options: IdentityKeyOptions): ManagedIdentityKeys {
  const { store, clock } = options
  const trusted = createTrustedKeys(options)
  const maker = createKeyMaker({ ...options, trusted })
  const privateKeys = createPrivateKeys(options, options.cachedKeys ?? DEFAULT_CACHED_KEYS)
  const recipients = new WeakMap<Certificate, Recipient>()
  store.onChange(() => trusted.forget())

  const entryOf = (name: KeyName): KeyEntry => {
    const entry = findKeyEntry(options.role, name)
    if (entry === undefined) {
      throw new KeyhavenError('KEY_UNKNOWN', `there is no key ${keyNameText(name)} in this role`)
    }
    return entry
  }

  const current = async (name: KeyName): Promise<TrustedKey> => {
    const known = trusted.known(name)?.[0]
    if (known !== undefined && !isDue(known, clock())) return known
    const entry = entryOf(name)
    if (entry.algorithm !== 'RSA-2048') {
      throw new KeyhavenError('ACCESS_DENIED', `the key ${keyNameText(name)} has no certificate`)
    }
    return maker.current(entry, name, SYSTEM)
  }

  const recipient = async (name: KeyName): Promise<Recipient> => {
    if (name.appId === PARTNER) return recipientOf(await partnerCertificate(name.refId))
    if (entryOf(name).encrypts !== true) {
      throw new KeyhavenError('ACCESS_DENIED', `nothing is encrypted to the key ${keyNameText(name)}`)
    }
    return recipientOf((await current(name)).certificate)
  }

  const partnerCertificate = async (partnerId: string): Promise<Certificate> => {
    if (options.partnerCertificate === undefined || partnerId === '') {
      throw new KeyhavenError('KEY_UNKNOWN', 'there is no certificate of this partner')
    }
    return options.partnerCertificate(partnerId)
  }

  const recipientOf = (certificate: Certificate): Recipient => {
    const known = recipients.get(certificate)
    if (known !== undefined) return known
    const made = { thumbprint: certificate.thumbprint, publicKey: certificate.publicKey }
    recipients.set(certificate, made)
    return made
  }

  const open = async (
    name: KeyName,
    thumbprint: Uint8Array | undefined,
    wrapped: Uint8Array,
  ): Promise<Uint8Array> => {
    if (entryOf(name).holder !== 'database') throw openFailed()
    const wanted = thumbprint && toHex(thumbprint)
    let generations = await trusted.load(name)
    if (wanted !== undefined) {
      const isWanted = ({ record }: TrustedKey) => record.thumbprint === wanted
      let held = generations.find(isWanted)
      // Perhaps another process has just made it.
      if (held === undefined) {
        generations = await trusted.reload(name)
        held = generations.find(isWanted)
      }
      if (held === undefined) throw openFailed()
      return privateKeys.decrypt(held, wrapped)
    }
    for (const held of generations.slice(0, MAX_TRIED_GENERATIONS)) {
      try {
        return await privateKeys.decrypt(held, wrapped)
      } catch (error) {
        if (!(error instanceof KeyhavenError) || error.code !== 'OPEN_FAILED') throw error
      }
    }
    throw openFailed()
  }

  return {
    certificate: async (name) =>
      name.appId === PARTNER ? partnerCertificate(name.refId) : (await current(name)).certificate,
    certificates: async (name) => {
      entryOf(name)
      return (await trusted.load(name)).map(({ certificate }) => certificate)
    },
    recipient,
    opener: (name) => ({ open: (thumbprint, wrapped) => open(name, thumbprint, wrapped) }),
    sign: async (name, data) => {
      if (entryOf(name).signs !== true) {
        throw new KeyhavenError('ACCESS_DENIED', `the key ${keyNameText(name)} signs nothing for callers`)
      }
      const key = await current(name)
      const { generation } = key.record
      const module = await options.moduleKeys.ensure(name, 'rsa-2048', generation)
      const [certificate, ...chain] = await trusted.chain(key)
      return { signature: await module.sign(data), certificate: certificate!, chain }
    },
    chain: async (name) => trusted.chain(await current(name)),
    masterKey: async (name) => {
      if (entryOf(name).algorithm !== 'AES-256') {
        throw new KeyhavenError('KEY_UNKNOWN', `${keyNameText(name)} is no master key`)
      }
      return options.moduleKeys.ensure(name, 'aes-256', 1)
    },
    list: async (page) =>
      (await store.list(page)).map(({ newest, ...key }): IdentityKeyInfo => {
        const id = findKeyEntry(options.role, key.name)?.id ?? '-'
        return { ...key, id, state: newest ? 'current' : 'retired' }
      }),
    renew: async (name, actor = SYSTEM) => {
      const entry = entryOf(name)
      if (entry.algorithm !== 'RSA-2048') {
        throw new KeyhavenError('UNSUPPORTED', 'a master key is not renewed: what it wraps would not open')
      }
      const [newest] = await trusted.reload(name)
      return (await maker.make(entry, name, (newest?.record.generation ?? 0) + 1, actor)).certificate
    },
    tick: async () => {
      const names = await store.ending(clock() + RENEW_BEFORE_MS)
      // Parents first: what they sign shall not outlive them.
      const order = (name: KeyName) =>
        KEY_TREE.findIndex(({ id }) => id === findKeyEntry(options.role, name)?.id)
      for (const name of names.toSorted((one, other) => order(one) - order(other))) {
        const entry = findKeyEntry(options.role, name)
        if (entry !== undefined) await maker.current(entry, name, SYSTEM)
      }
    },
  }
}
