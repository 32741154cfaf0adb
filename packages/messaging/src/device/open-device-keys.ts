import {
  type CryptoBackend,
  backend as defaultBackend,
  jwkThumbprint,
  KeyhavenError,
  type SigningKey,
} from '@keyhaven/crypto'
import { newDeviceId } from '@keyhaven/directory'
import type { DeviceSigner, ProfileName } from '../directory-port.ts'
import type { MessagingStore, StoreChange } from '../store/messaging-store.ts'
import type { DeviceEncryptionKey, DeviceKeys, NewDeviceKeys } from './device-keys.ts'
import {
  type EncryptionKeyRecord,
  fromRecord,
  generateEncryptionKey,
  generateKeySet,
  importEncryptionKey,
  importKeySet,
  isHpkeProfile,
  type KeySet,
  type KeySetRecord,
  toRecord,
} from './key-record.ts'

const DAY_SECONDS = 86_400
/** Of an encryption key in the HPKE profiles. */
export const ENCRYPTION_KEY_SECONDS = 7 * DAY_SECONDS
/** How long after its end a private encryption key still opens what is late. Then it is erased. */
export const ENCRYPTION_KEY_GRACE_SECONDS = 14 * DAY_SECONDS
/** @see NewDeviceOptions.recordSeconds */
export const DEFAULT_RECORD_SECONDS = 90 * DAY_SECONDS
const IDENTITY_KEY = 'device/identity'
const ENCRYPTION_PREFIX = 'device/encryption/'
const COMMIT_ATTEMPTS = 8

interface IdentityRecord {
  readonly v: 1
  readonly application: string
  readonly username: string
  readonly device: string
  readonly recordSeconds: number
  readonly current?: KeySetRecord
  /** Not accepted by the directory yet. */
  readonly next?: KeySetRecord
}

export interface DeviceKeysOptions {
  readonly store: MessagingStore
  /** Milliseconds since epoch. @defaultValue Date.now */
  readonly clock?: () => number
  /** @defaultValue that of the runtime */
  readonly backend?: CryptoBackend
}

export interface NewDeviceOptions extends DeviceKeysOptions {
  readonly application: string
  readonly username: string
  /** @defaultValue x-wing */
  readonly profile?: ProfileName
  /** Life of the device's record: that of its encryption key, too, in the RSA profiles. @defaultValue 90 days */
  readonly recordSeconds?: number
}

/**
 * Makes the keys of a new device and stores them. Its `prepareRenewal()` gives what the directory is to record.
 *
 * @throws KeyhavenError `CONFLICT` if the store belongs to a device already.
 */
export async function createDeviceKeys(options: NewDeviceOptions): Promise<DeviceKeys> {
  const backend = options.backend ?? defaultBackend
  const identity: IdentityRecord = {
    v: 1,
    application: options.application,
    username: options.username,
    device: newDeviceId(backend),
    recordSeconds: options.recordSeconds ?? DEFAULT_RECORD_SECONDS,
  }
  const change = { expect: [{ key: IDENTITY_KEY, version: null }] }
  if (!(await options.store.commit({ ...change, put: [{ key: IDENTITY_KEY, value: toRecord(identity) }] }))) {
    throw new KeyhavenError('CONFLICT', 'this store belongs to a device already')
  }
  const keys = new StoredDeviceKeys(options, backend)
  await keys.reload()
  await keys.prepareRenewal(options.profile ?? 'x-wing')
  return keys
}

/** @returns undefined if the store belongs to no device yet. */
export async function openDeviceKeys(options: DeviceKeysOptions): Promise<DeviceKeys | undefined> {
  if (!(await options.store.get(IDENTITY_KEY))) return undefined
  const keys = new StoredDeviceKeys(options, options.backend ?? defaultBackend)
  await keys.reload()
  return keys
}

class StoredDeviceKeys implements DeviceKeys {
  readonly #store: MessagingStore
  readonly #backend: CryptoBackend
  readonly #clock: () => number
  #identity!: IdentityRecord
  #version = 0
  #keySet: KeySet | undefined
  #encryptionKey: DeviceEncryptionKey | undefined
  readonly #encryptionKeys = new Map<string, DeviceEncryptionKey>()

  constructor(options: DeviceKeysOptions, backend: CryptoBackend) {
    this.#store = options.store
    this.#backend = backend
    this.#clock = options.clock ?? Date.now
  }

  get application(): string {
    return this.#identity.application
  }
  get username(): string {
    return this.#identity.username
  }
  get device(): string {
    return this.#identity.device
  }
  get entry(): string | undefined {
    return this.#identity.current?.entry
  }
  get profile(): ProfileName {
    return this.#set.profile
  }
  get signingKey(): DeviceSigner {
    return this.#set.signer
  }
  get requestKey(): SigningKey {
    return this.#set.requestKey
  }
  get encryptionKey(): DeviceEncryptionKey {
    if (!this.#encryptionKey) throw new KeyhavenError('KEY_EXPIRED', 'this device has no encryption key left')
    return this.#encryptionKey
  }

  get #set(): KeySet {
    if (!this.#keySet) throw new KeyhavenError('NOT_FOUND', 'this device has no keys yet')
    return this.#keySet
  }

  get #now(): number {
    return Math.floor(this.#clock() / 1_000)
  }

  async reload(): Promise<void> {
    const stored = await this.#store.get(IDENTITY_KEY)
    if (!stored) throw new KeyhavenError('NOT_FOUND', 'the store belongs to no device')
    const identity = fromRecord<IdentityRecord>(stored.value)
    const record = identity.current ?? identity.next
    const keySet = record && (await importKeySet(this.#backend, record))
    this.#encryptionKey = record && (await this.#newestEncryptionKey(record))
    this.#keySet = keySet
    this.#identity = identity
    this.#version = stored.version
  }

  async findEncryptionKey(thumbprint: string): Promise<DeviceEncryptionKey | undefined> {
    let key = this.#encryptionKeys.get(thumbprint)
    if (!key) {
      const stored = await this.#store.get(ENCRYPTION_PREFIX + thumbprint)
      if (!stored) return undefined
      key = await importEncryptionKey(this.#backend, fromRecord<EncryptionKeyRecord>(stored.value))
      if (key.thumbprint !== thumbprint) return undefined
      this.#encryptionKeys.set(thumbprint, key)
    }
    return this.#isPast(key) ? undefined : key
  }

  async encryptionThumbprints(): Promise<readonly string[]> {
    const names = await this.#store.list(ENCRYPTION_PREFIX)
    return names.map((name) => name.slice(ENCRYPTION_PREFIX.length))
  }

  async prepareRenewal(profile?: ProfileName): Promise<NewDeviceKeys> {
    for (let attempt = 0; attempt < COMMIT_ATTEMPTS; attempt++) {
      const { next, current } = this.#identity
      const wanted = profile ?? next?.profile ?? current?.profile ?? 'x-wing'
      const prepared =
        next && next.profile === wanted ? await this.findEncryptionKey(next.encryption) : undefined
      if (next && prepared && prepared.expires > this.#now) return this.#newKeys(next, prepared)
      const { encryptionJwk, ...set } = await generateKeySet(this.#backend, wanted)
      const made = encryptionJwk
        ? { publicJwk: { kty: 'RSA', n: encryptionJwk.n, e: encryptionJwk.e }, privateJwk: encryptionJwk }
        : await generateEncryptionKey(this.#backend, wanted)
      const seconds = isHpkeProfile(wanted) ? ENCRYPTION_KEY_SECONDS : this.#identity.recordSeconds
      const encryption = { ...made, notBefore: this.#now, expires: this.#now + seconds }
      const thumbprint = await jwkThumbprint(this.#backend, made.publicJwk)
      const identity = { ...this.#identity, next: { ...set, encryption: thumbprint } }
      await this.#commit(identity, { key: ENCRYPTION_PREFIX + thumbprint, value: toRecord(encryption) })
    }
    throw busy()
  }

  async adopt(entry: string): Promise<void> {
    for (let attempt = 0; attempt < COMMIT_ATTEMPTS; attempt++) {
      const { next, current, ...rest } = this.#identity
      if (!next && current?.entry === entry) return
      const adopted = next ?? current
      if (!adopted) throw new KeyhavenError('NOT_FOUND', 'there are no keys to adopt')
      if (await this.#commit({ ...rest, current: { ...adopted, entry } })) return
    }
    throw busy()
  }

  async rotateEncryptionKey(options: { now?: boolean } = {}): Promise<DeviceEncryptionKey | undefined> {
    for (let attempt = 0; attempt < COMMIT_ATTEMPTS; attempt++) {
      const { current } = this.#identity
      if (!current || !isHpkeProfile(current.profile)) return undefined
      const due = !this.#encryptionKey || this.#encryptionKey.expires - this.#now < ENCRYPTION_KEY_SECONDS / 2
      if (!due && !options.now) return undefined
      const made = await generateEncryptionKey(this.#backend, current.profile)
      const encryption = { ...made, notBefore: this.#now, expires: this.#now + ENCRYPTION_KEY_SECONDS }
      const thumbprint = await jwkThumbprint(this.#backend, made.publicJwk)
      const identity = { ...this.#identity, current: { ...current, encryption: thumbprint } }
      const record = { key: ENCRYPTION_PREFIX + thumbprint, value: toRecord(encryption) }
      if (await this.#commit(identity, record)) return this.encryptionKey
    }
    throw busy()
  }

  async eraseExpired(): Promise<number> {
    let erased = 0
    for (const key of await this.#store.list(ENCRYPTION_PREFIX)) {
      const stored = await this.#store.get(key)
      if (!stored || !this.#isPast(fromRecord<EncryptionKeyRecord>(stored.value))) continue
      this.#encryptionKeys.delete(key.slice(ENCRYPTION_PREFIX.length))
      const expect = [{ key, version: stored.version }]
      if (await this.#store.commit({ expect, delete: [key] })) erased++
    }
    return erased
  }

  #isPast(key: { readonly expires: number }): boolean {
    return this.#now >= key.expires + ENCRYPTION_KEY_GRACE_SECONDS
  }

  #newestEncryptionKey(record: KeySetRecord): Promise<DeviceEncryptionKey | undefined> {
    return this.findEncryptionKey(record.encryption)
  }

  async #newKeys(record: KeySetRecord, encryptionKey: DeviceEncryptionKey): Promise<NewDeviceKeys> {
    const { profile, signer, requestKey } = await importKeySet(this.#backend, record)
    const keys = { profile, signingKey: signer, requestSigner: requestKey, encryptionKey }
    return record.request ? { ...keys, requestKey } : keys
  }

  /** Writes and reads back; false if another process was first, whose state is then loaded. */
  async #commit(identity: IdentityRecord, added?: { key: string; value: Uint8Array }): Promise<boolean> {
    const change: StoreChange = {
      expect: [
        { key: IDENTITY_KEY, version: this.#version },
        ...(added ? [{ key: added.key, version: null }] : []),
      ],
      put: [{ key: IDENTITY_KEY, value: toRecord(identity) }, ...(added ? [added] : [])],
    }
    const done = await this.#store.commit(change)
    await this.reload()
    return done
  }
}

function busy(): KeyhavenError {
  return new KeyhavenError('STORE_UNAVAILABLE', 'the store is changed by others all the time')
}
