import { type Awaitable, type CryptoBackend, KeyhavenError, toBase64url, utf8 } from '@keyhaven/crypto'
import type { ChainPosition } from '@keyhaven/directory'
import { fromRecord, toRecord } from '../device/key-record.ts'
import type { MessagingDirectory, VerifiedDevice, VerifiedUser } from '../directory-port.ts'
import type { MessagingStore } from '../store/messaging-store.ts'
import type { ContactTrust } from './messenger.ts'

const NAME_KEY = 'contacts/name-key'
const NAME_KEY_BYTES = 32
const CONTACT_PREFIX = 'contact/'
const COMMIT_ATTEMPTS = 8
/** Look-ups that what one user sends may cause at once, and how soon one comes back: others need look-ups, too. */
const CAUSED_BURST = 20
const CAUSED_EVERY_MS = 5_000
/** Users whose look-ups are counted, those met last. */
const MAX_COUNTED = 10_000

/** What is remembered of a contact. */
interface ContactRecord {
  readonly username: string
  /** The chain that was met first, or accepted after a reset. */
  readonly chain: number
  readonly sequence: number
  readonly head: string
  /** `dropped`: was verified, then the chain was reset or broken: only verifying again helps. */
  readonly mark: 'none' | 'verified' | 'dropped'
}

/** A looked-up user, with what this device thinks of them. */
export interface KnownUser {
  readonly user: VerifiedUser
  readonly devices: ReadonlyMap<string, VerifiedDevice>
  readonly trust: ContactTrust
  /** Milliseconds since epoch. */
  readonly relyUntil: number
  /** Changes whenever anything does that a session depends on. */
  readonly fingerprint: string
}

export interface PeopleOptions {
  readonly self: string
  readonly directory: MessagingDirectory
  readonly store: MessagingStore
  readonly backend: CryptoBackend
  readonly clock: () => number
  readonly lookUpSeconds: number
}

/** Looks users up, keeps the answers for a while, and remembers which chain of each was met. */
export class People {
  readonly #options: PeopleOptions
  readonly #known = new Map<string, KnownUser>()
  readonly #loading = new Map<string, Promise<KnownUser>>()
  readonly #caused = new Map<string, { left: number; at: number }>()
  #nameKey: Promise<Uint8Array> | undefined
  /** Goes up whenever a user changed or is to be looked up again. */
  generation = 0

  constructor(options: PeopleOptions) {
    this.#options = options
  }

  /** At once if the last look-up may still be relied on. Throws as the directory does; `DIRECTORY_STALE`, `CHAIN_BROKEN`. */
  user(username: string): Awaitable<KnownUser> {
    const known = this.#known.get(username)
    if (known && this.#options.clock() < known.relyUntil) return known
    let loading = this.#loading.get(username)
    if (!loading) {
      loading = this.#load(username).finally(() => this.#loading.delete(username))
      this.#loading.set(username, loading)
    }
    return loading
  }

  forget(username: string): void {
    const known = this.#known.get(username)
    if (known) this.#known.set(username, { ...known, relyUntil: 0 })
    this.generation++
  }

  /** Asks the directory now. @param atLeast - a position that must be in the chain. */
  async fresh(username: string, atLeast?: ChainPosition): Promise<KnownUser> {
    await this.#loading.get(username)?.catch(() => undefined)
    this.forget(username)
    return atLeast ? this.#load(username, atLeast) : this.user(username)
  }

  /**
   * As {@link fresh}, for something that came from this user and is not verified yet: whatever it claims, it cannot use
   * up the look-ups of this device. Throws `RATE_LIMITED`, too.
   */
  async freshFor(username: string, atLeast?: ChainPosition): Promise<KnownUser> {
    const now = this.#options.clock()
    const { left, at } = this.#caused.get(username) ?? { left: CAUSED_BURST, at: now }
    const refilled = Math.min(CAUSED_BURST, left + Math.max(0, now - at) / CAUSED_EVERY_MS)
    this.#caused.delete(username)
    this.#caused.set(username, { left: refilled >= 1 ? refilled - 1 : refilled, at: now })
    if (this.#caused.size > MAX_COUNTED) this.#caused.delete(this.#caused.keys().next().value!)
    if (refilled < 1) throw new KeyhavenError('RATE_LIMITED', 'too much of this user needs a look-up')
    return this.fresh(username, atLeast)
  }

  /** Sets or takes the mark; with `accept` the chain of the newest look-up becomes the accepted one. */
  async mark(known: KnownUser, mark: 'none' | 'verified', accept: boolean): Promise<void> {
    const { user } = known
    await this.#update(user.username, (record) => {
      const chain = accept ? user.chain : (record?.chain ?? user.chain)
      return { username: user.username, chain, sequence: user.sequence, head: user.head, mark }
    })
    this.forget(user.username)
  }

  /** Whether a contact was verified before a reset. */
  async wasVerified(username: string): Promise<boolean> {
    const stored = await this.#options.store.get(await this.#contactKey(username))
    return stored !== undefined && fromRecord<ContactRecord>(stored.value).mark === 'dropped'
  }

  async #load(username: string, atLeast?: ChainPosition): Promise<KnownUser> {
    const { clock, lookUpSeconds, self } = this.#options
    const startedAt = clock()
    const { user, reset } = await this.#lookUp(username, atLeast)
    if (user.username !== username)
      throw new KeyhavenError('RECORD_INVALID', 'the look-up is of another user')
    const trust = username === self ? 'known' : await this.#judge(user, reset)
    const known: KnownUser = {
      user,
      devices: new Map(user.devices.map((device) => [device.device, device])),
      trust,
      relyUntil: startedAt + lookUpSeconds * 1_000,
      fingerprint: fingerprintOf(user, trust),
    }
    if (this.#known.get(username)?.fingerprint !== known.fingerprint) this.generation++
    this.#known.set(username, known)
    return known
  }

  /**
   * A reset that the directory's client stops at is passed on to {@link #judge}: whether this contact may be written to
   * is decided by the contact's record here, because a mark hangs on it.
   */
  async #lookUp(
    username: string,
    atLeast: ChainPosition | undefined,
  ): Promise<{ user: VerifiedUser; reset: boolean }> {
    const { directory, self } = this.#options
    try {
      return { user: await directory.lookUp(username, atLeast ? { atLeast } : {}), reset: false }
    } catch (error) {
      if (!(error instanceof KeyhavenError)) throw error
      if (error.code === 'CHAIN_BROKEN' && !atLeast) await this.#dropMark(username)
      if (error.code !== 'CHAIN_RESET' || username === self) throw error
      const recorded = await directory.recordedKeys(username)
      const newest = Math.max(...recorded.map(({ chain }) => chain))
      await this.#dropMark(username)
      return { user: await directory.acceptReset(username, newest), reset: true }
    }
  }

  async #judge(user: VerifiedUser, reset: boolean): Promise<ContactTrust> {
    let broken = false
    const record = await this.#update(user.username, (before) => {
      const { username, chain, sequence, head } = user
      if (!before) return { username, chain: reset ? chain - 1 : chain, sequence, head, mark: 'none' }
      if (sequence < before.sequence || chain < before.chain) {
        throw new KeyhavenError(
          'DIRECTORY_STALE',
          'the directory gave an older state of this user than before',
        )
      }
      broken = sequence === before.sequence && head !== before.head
      const mark = before.mark === 'verified' && (broken || chain > before.chain) ? 'dropped' : before.mark
      if (broken) return { ...before, mark }
      return { ...before, sequence, head, mark }
    })
    if (broken) {
      throw new KeyhavenError('CHAIN_BROKEN', 'the directory gave another history of this user than before')
    }
    if (user.chain > record.chain) return 'reset'
    return record.mark === 'verified' ? 'verified' : 'known'
  }

  async #dropMark(username: string): Promise<void> {
    this.forget(username)
    const stored = await this.#options.store.get(await this.#contactKey(username))
    if (!stored || fromRecord<ContactRecord>(stored.value).mark !== 'verified') return
    await this.#update(username, (record) => ({ ...record!, mark: 'dropped' }))
  }

  async #update(
    username: string,
    change: (record: ContactRecord | undefined) => ContactRecord,
  ): Promise<ContactRecord> {
    const { store } = this.#options
    const key = await this.#contactKey(username)
    for (let attempt = 0; attempt < COMMIT_ATTEMPTS; attempt++) {
      const stored = await store.get(key)
      const before = stored && fromRecord<ContactRecord>(stored.value)
      const after = change(before)
      if (before && JSON.stringify(before) === JSON.stringify(after)) return after
      const expect = [{ key, version: stored?.version ?? null }]
      if (await store.commit({ expect, put: [{ key, value: toRecord(after) }] })) return after
    }
    throw new KeyhavenError('STORE_UNAVAILABLE', 'the store is changed by others all the time')
  }

  /** Names of keys lie in the store as they are: a contact's name must not. */
  async #contactKey(username: string): Promise<string> {
    this.#nameKey ??= this.#loadNameKey()
    const nameKey = await this.#nameKey
    return CONTACT_PREFIX + toBase64url(await this.#options.backend.hmacSha256(nameKey, utf8(username)))
  }

  async #loadNameKey(): Promise<Uint8Array> {
    const { store, backend } = this.#options
    const value = backend.randomBytes(NAME_KEY_BYTES)
    const made = await store.commit({
      expect: [{ key: NAME_KEY, version: null }],
      put: [{ key: NAME_KEY, value }],
    })
    if (made) return value
    const stored = await store.get(NAME_KEY)
    if (!stored) throw new KeyhavenError('STORE_UNAVAILABLE', 'the store lost a value')
    return stored.value
  }
}

function fingerprintOf(user: VerifiedUser, trust: ContactTrust): string {
  const devices = user.devices.map(({ device, entry, encryption }) => [device, entry, encryption.thumbprint])
  const refused = user.refused.map(({ device, code }) => [device, code])
  return JSON.stringify([user.chain, user.sequence, user.head, trust === 'reset', devices, refused])
}
