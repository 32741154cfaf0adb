import { argon2Sync, createCipheriv, createDecipheriv, randomBytes } from 'node:crypto'
import { KeyhavenError } from '@keyhaven/crypto'

/** RFC 9106 §4, second recommended option: 64 MiB, three passes, four lanes. */
const ARGON2_MEMORY_KIB = 65_536
const ARGON2_PASSES = 3
const ARGON2_LANES = 4
const SALT_BYTES = 16
const KEY_BYTES = 32
const NONCE_BYTES = 12
const TAG_BYTES = 16
/** What a keyring may ask of this machine, so that a forged file cannot take all memory. */
const MAX_MEMORY_KIB = 1_048_576
const MAX_PASSES = 16
const MAX_LANES = 16

/** How a keyring's secrets are locked under a passphrase; stands in the keyring beside them. */
export interface PassphraseLock {
  readonly kdf: 'argon2id'
  /** KiB. */
  readonly memory: number
  readonly passes: number
  readonly lanes: number
  /** base64url, 16 bytes. */
  readonly salt: string
}

export function newPassphraseLock(): PassphraseLock {
  return {
    kdf: 'argon2id',
    memory: ARGON2_MEMORY_KIB,
    passes: ARGON2_PASSES,
    lanes: ARGON2_LANES,
    salt: randomBytes(SALT_BYTES).toString('base64url'),
  }
}

/** @throws KeyhavenError `CONFIG_INVALID` if the parameters are out of bounds. */
export function derivePassphraseKey(passphrase: Uint8Array, lock: PassphraseLock): Uint8Array {
  const bounded = (value: number, maximum: number): boolean =>
    Number.isInteger(value) && value >= 1 && value <= maximum
  const sane =
    lock.kdf === 'argon2id' &&
    bounded(lock.memory, MAX_MEMORY_KIB) &&
    bounded(lock.passes, MAX_PASSES) &&
    bounded(lock.lanes, MAX_LANES) &&
    lock.memory >= 8 * lock.lanes
  if (!sane)
    throw new KeyhavenError('CONFIG_INVALID', "the master keyring's Argon2id parameters are out of bounds")
  return argon2Sync('argon2id', {
    message: passphrase,
    nonce: Buffer.from(lock.salt, 'base64url'),
    parallelism: lock.lanes,
    tagLength: KEY_BYTES,
    memory: lock.memory,
    passes: lock.passes,
  })
}

/** AES-256-GCM: nonce ‖ ciphertext ‖ tag, base64url. @param label - what the secret is; opens under no other. */
export function lockSecret(key: Uint8Array, secret: Uint8Array, label: string): string {
  const nonce = randomBytes(NONCE_BYTES)
  const cipher = createCipheriv('aes-256-gcm', key, nonce).setAAD(Buffer.from(label))
  return Buffer.concat([nonce, cipher.update(secret), cipher.final(), cipher.getAuthTag()]).toString(
    'base64url',
  )
}

/** @throws KeyhavenError `CONFIG_INVALID` if the passphrase or the file is not right. */
export function unlockSecret(key: Uint8Array, locked: string, label: string): Uint8Array {
  const bytes = Buffer.from(locked, 'base64url')
  try {
    const decipher = createDecipheriv('aes-256-gcm', key, bytes.subarray(0, NONCE_BYTES), {
      authTagLength: TAG_BYTES,
    }).setAAD(Buffer.from(label))
    decipher.setAuthTag(bytes.subarray(bytes.length - TAG_BYTES))
    return Buffer.concat([
      decipher.update(bytes.subarray(NONCE_BYTES, bytes.length - TAG_BYTES)),
      decipher.final(),
    ])
  } catch (error) {
    throw new KeyhavenError('CONFIG_INVALID', 'the passphrase does not open the master keyring', {
      cause: error,
    })
  }
}
