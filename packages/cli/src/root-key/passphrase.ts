import { randomBytes } from 'node:crypto'
import {
  AEAD_KEY_BYTES,
  AEAD_NONCE_BYTES,
  backend,
  fromBase64url,
  KeyhavenError,
  overwrite,
  toBase64url,
  utf8,
} from '@keyhaven/crypto'
import {
  ARGON2ID_COST,
  ARGON2ID_SALT_BYTES,
  type Argon2idCost,
  argon2id,
  isArgon2idCost,
} from '@keyhaven/crypto/argon2id'
import { usageError } from '../command-error.ts'

const AEAD = 'aes-256-gcm'
const CIPHERTEXT_MAX_BYTES = 4_096
const PASSPHRASE_MIN_CHARACTERS = 12

/** A secret sealed under a passphrase: Argon2id (RFC 9106), then AES-256-GCM. Bytes are base64url. */
export interface Protection extends Argon2idCost {
  readonly kdf: 'argon2id'
  readonly salt: string
  readonly aead: typeof AEAD
  readonly nonce: string
  readonly ciphertext: string
}

/** @param plaintext - overwritten afterwards. */
export async function protectWithPassphrase(
  passphrase: string,
  plaintext: Uint8Array,
  context: Uint8Array,
): Promise<Protection> {
  if ([...passphrase].length < PASSPHRASE_MIN_CHARACTERS) {
    throw usageError(
      'the passphrase is too short',
      `Take at least ${PASSPHRASE_MIN_CHARACTERS} characters; some words that nobody else would put ` +
        'together are good.',
    )
  }
  const salt = randomBytes(ARGON2ID_SALT_BYTES)
  const nonce = randomBytes(AEAD_NONCE_BYTES)
  const key = deriveKey(passphrase, salt, ARGON2ID_COST)
  const ciphertext = await (await backend.importAeadKey(AEAD, key)).seal(nonce, plaintext, context)
  overwrite(key, plaintext)
  return {
    kdf: 'argon2id',
    ...ARGON2ID_COST,
    salt: toBase64url(salt),
    aead: AEAD,
    nonce: toBase64url(nonce),
    ciphertext: toBase64url(ciphertext),
  }
}

/** @throws KeyhavenError `OPEN_FAILED` on a wrong passphrase or altered data. */
export async function unprotect(
  protection: Protection,
  passphrase: string,
  context: Uint8Array,
): Promise<Uint8Array> {
  const key = deriveKey(passphrase, fromBase64url(protection.salt), protection)
  const aead = await backend.importAeadKey(AEAD, key)
  overwrite(key)
  try {
    return await aead.open(fromBase64url(protection.nonce), fromBase64url(protection.ciphertext), context)
  } catch (cause) {
    throw new KeyhavenError('OPEN_FAILED', 'the passphrase is wrong, or the file was altered', { cause })
  }
}

/** Checks what a file says before any of it is used. @throws KeyhavenError `WIRE_MALFORMED`. */
export function readProtection(value: unknown): Protection {
  const { kdf, memoryKiB, passes, lanes, salt, aead, nonce, ciphertext } = value as Record<string, unknown>
  const exact =
    kdf === 'argon2id' &&
    aead === AEAD &&
    isArgon2idCost({ memoryKiB, passes, lanes }) &&
    hasBytes(salt, ARGON2ID_SALT_BYTES, ARGON2ID_SALT_BYTES) &&
    hasBytes(nonce, AEAD_NONCE_BYTES, AEAD_NONCE_BYTES) &&
    hasBytes(ciphertext, 1, CIPHERTEXT_MAX_BYTES)
  if (!exact) throw new KeyhavenError('WIRE_MALFORMED', 'the protected part of the root key file')
  return value as Protection
}

function hasBytes(value: unknown, minimum: number, maximum: number): boolean {
  if (typeof value !== 'string' || value.length > 2 * CIPHERTEXT_MAX_BYTES) return false
  try {
    const { length } = fromBase64url(value)
    return length >= minimum && length <= maximum
  } catch {
    return false
  }
}

function deriveKey(passphrase: string, salt: Uint8Array, cost: Argon2idCost): Uint8Array {
  const bytes = utf8(passphrase.normalize('NFC'))
  try {
    return argon2id(bytes, salt, cost, AEAD_KEY_BYTES[AEAD])
  } finally {
    overwrite(bytes)
  }
}
