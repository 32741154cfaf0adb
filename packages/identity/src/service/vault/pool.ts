import type { Awaitable, CryptoBackend } from '@keyhaven/crypto'
import {
  equalConstantTime,
  fromBase64,
  fromBase64url,
  KeyhavenError,
  overwrite,
  toBase64,
  toBase64url,
  utf8,
  Writer,
} from '@keyhaven/crypto'
import type { MasterKey } from '../../keys/identity-keys.ts'
import type { Profile } from '../../profile.ts'
import { POOL_KEY_BYTES } from '../../vault/mosip-attribute.ts'
import { firstIndexOf, POOL_KEYS } from '../../vault/pool-index.ts'
import type { MadePool } from './issuer-vault.ts'
import type { PoolStore, StoredPoolKey } from './pool-store.ts'

const CHECK_LABEL = 'keyhaven pool key check v1'
const WRAP_LABEL = 'keyhaven pool key v1'
const CHECK_BYTES = 16
/** Who makes the first generation where nobody has. */
const FIRST_NEED = 'system'

export interface PoolOptions {
  readonly backend: CryptoBackend
  /** The tenant. */
  readonly application: string
  readonly store: PoolStore
  /** K9 at the issuer, K18 at the IDA. */
  readonly masterKey: () => Promise<MasterKey>
}

/** The pool of keys of one application and profile, under its master key. */
export interface Pool {
  /** @throws KeyhavenError `CONFLICT` if one of the generation's numbers is taken. */
  make(generation: number, actor: string): Promise<MadePool>
  /**
   * The newest generation. Without any, the first one is made: whoever else makes it at the same time, here or in another
   * process, one is kept.
   */
  newest(): Promise<number>
  /** Wraps a key that came from elsewhere, for its index. */
  wrap(index: number, key: Uint8Array): Promise<StoredPoolKey>
  /**
   * @returns the key, 32 bytes, which the caller overwrites.
   * @throws KeyhavenError `NOT_FOUND`; `CONFLICT` if it is another key than the one that was stored.
   */
  open(index: number): Promise<Uint8Array>
}

export function createPool(options: PoolOptions): Pool {
  const { backend, application, store } = options
  const { profile } = store

  const wrapWith = async (master: MasterKey, index: number, key: Uint8Array): Promise<StoredPoolKey> => ({
    index,
    wrapped: await CIPHERS[profile].wrap(master, place(application, index), key),
    check: toBase64url(await poolKeyCheck(backend, profile, index, key)),
  })

  /** @returns undefined if it does not open: an AEAD shows that by itself, ECB only by the check. */
  const unwrap = async (index: number, wrapped: string): Promise<Uint8Array | undefined> => {
    const master = await options.masterKey()
    try {
      return await CIPHERS[profile].unwrap(master, place(application, index), wrapped)
    } catch (error) {
      if (error instanceof KeyhavenError && error.code === 'OPEN_FAILED') return undefined
      throw error
    }
  }

  /** @returns false if one of the generation's numbers is taken: nothing was kept. */
  const build = async (generation: number, actor: string): Promise<boolean> => {
    const first = firstIndexOf(generation)
    const master = await options.masterKey()
    const random = backend.randomBytes(POOL_KEYS * POOL_KEY_BYTES)
    try {
      const keys: StoredPoolKey[] = []
      for (let n = 0; n < POOL_KEYS; n++) {
        const key = random.subarray(n * POOL_KEY_BYTES, (n + 1) * POOL_KEY_BYTES)
        keys.push(await wrapWith(master, first + n, key))
      }
      return await store.insertGeneration(generation, keys, actor)
    } finally {
      overwrite(random)
    }
  }

  let making: Promise<unknown> | undefined

  return {
    async newest() {
      const [found] = await store.generations()
      if (found !== undefined) return found.generation
      making ??= build(0, FIRST_NEED).finally(() => {
        making = undefined
      })
      await making // false: another process was first
      const [made] = await store.generations()
      if (made !== undefined) return made.generation
      throw new KeyhavenError('CONFLICT', 'there are pool keys of no generation: the database is not whole')
    },

    async make(generation, actor) {
      if (await build(generation, actor)) return { generation, keys: POOL_KEYS }
      const index = firstIndexOf(generation)
      await store.reportConflict({ kind: 'create', index, check: '', otherCheck: '', source: '' })
      throw new KeyhavenError(
        'CONFLICT',
        `pool generation ${generation} exists: an index keeps its key for ever`,
      )
    },

    wrap: async (index, key) => wrapWith(await options.masterKey(), index, key),

    async open(index) {
      const stored = await store.findKey(index)
      if (stored === undefined) throw new KeyhavenError('NOT_FOUND', `there is no pool key ${index}`)
      const key = await unwrap(index, stored.wrapped)
      const check = key && (await poolKeyCheck(backend, profile, index, key))
      if (key && check && equalConstantTime(check, fromBase64url(stored.check))) return key
      if (key) overwrite(key)
      const otherCheck = check ? toBase64url(check) : ''
      await store.reportConflict({ kind: 'unwrap', index, check: stored.check, otherCheck, source: '' })
      throw poolConflict(index)
    },
  }
}

export function poolConflict(index: number): KeyhavenError {
  return new KeyhavenError('CONFLICT', `pool key ${index} is another key than the one that has this number`)
}

/**
 * A label of a pool key, made by SHA-256: a key has 256 random bits, so that its label gives nothing away. It
 * shows a second key for an index, also where the wrap has no tag of its own (ECB).
 *
 * @returns 16 bytes.
 */
export async function poolKeyCheck(
  backend: Pick<CryptoBackend, 'sha256'>,
  profile: Profile,
  index: number,
  key: Uint8Array,
): Promise<Uint8Array> {
  const input = new Writer().bytes8(utf8(CHECK_LABEL)).bytes8(utf8(profile)).u32(index).bytes(key).done()
  const digest = await backend.sha256(input)
  overwrite(input)
  return digest.slice(0, CHECK_BYTES)
}

interface PoolCipher {
  wrap(master: MasterKey, aad: Uint8Array, key: Uint8Array): Awaitable<string>
  unwrap(master: MasterKey, aad: Uint8Array, wrapped: string): Promise<Uint8Array>
}

const CIPHERS: Readonly<Record<Profile, PoolCipher>> = {
  // AES-256-ECB without padding in standard Base64, as MOSIP's table data_encrypt_keystore has it.
  mosip: {
    wrap: async (master, _aad, key) => toBase64(await master.wrapEcb(key)),
    unwrap: async (master, _aad, wrapped) => master.unwrapEcb(fromBase64(wrapped)),
  },
  keyhaven: {
    wrap: async (master, aad, key) => toBase64url(await master.wrap(key, aad)),
    unwrap: async (master, aad, wrapped) => master.unwrap(fromBase64url(wrapped), aad),
  },
}

function place(application: string, index: number): Uint8Array {
  return new Writer()
    .bytes8(utf8(WRAP_LABEL))
    .bytes8(utf8('keyhaven'))
    .bytes8(utf8(application))
    .u32(index)
    .done()
}
