import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto'
import { AEAD_KEY_BYTES, AEAD_NONCE_BYTES, AEAD_TAG_BYTES, KeyhavenError } from '@keyhaven/crypto'
import { ARGON2ID_COST, ARGON2ID_SALT_BYTES, argon2id, isArgon2idCost } from '@keyhaven/crypto/argon2id'

const AEAD = 'aes-256-gcm'
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
    memory: ARGON2ID_COST.memoryKiB,
    passes: ARGON2ID_COST.passes,
    lanes: ARGON2ID_COST.lanes,
    salt: randomBytes(ARGON2ID_SALT_BYTES).toString('base64url'),
  }
}

/** @throws KeyhavenError `CONFIG_INVALID` if the parameters are out of bounds. */
export function derivePassphraseKey(passphrase: Uint8Array, lock: PassphraseLock): Uint8Array {
  const cost = { memoryKiB: lock.memory, passes: lock.passes, lanes: lock.lanes }
  if (!isArgon2idCost(cost))
    throw new KeyhavenError('CONFIG_INVALID', "the master keyring's Argon2id parameters are out of bounds")
  return argon2id(passphrase, Buffer.from(lock.salt, 'base64url'), cost, AEAD_KEY_BYTES[AEAD])
}

/**
 * AES-256-GCM: nonce ‖ ciphertext ‖ tag, base64url.
 *
 * @param label - what the secret is; opens under no other.
 */
export function lockSecret(key: Uint8Array, secret: Uint8Array, label: string): string {
  const nonce = randomBytes(AEAD_NONCE_BYTES)
  const cipher = createCipheriv(AEAD, key, nonce).setAAD(Buffer.from(label))
  return Buffer.concat([nonce, cipher.update(secret), cipher.final(), cipher.getAuthTag()]).toString(
    'base64url',
  )
}

/** @throws KeyhavenError `CONFIG_INVALID` if the passphrase or the file is not right. */
export function unlockSecret(key: Uint8Array, locked: string, label: string): Uint8Array {
  const bytes = Buffer.from(locked, 'base64url')
  try {
    const decipher = createDecipheriv(AEAD, key, bytes.subarray(0, AEAD_NONCE_BYTES), {
      authTagLength: AEAD_TAG_BYTES,
    }).setAAD(Buffer.from(label))
    decipher.setAuthTag(bytes.subarray(bytes.length - AEAD_TAG_BYTES))
    return Buffer.concat([
      decipher.update(bytes.subarray(AEAD_NONCE_BYTES, bytes.length - AEAD_TAG_BYTES)),
      decipher.final(),
    ])
  } catch (error) {
    throw new KeyhavenError('CONFIG_INVALID', 'the passphrase does not open the master keyring', {
      cause: error,
    })
  }
}
