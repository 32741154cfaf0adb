import { argon2, randomBytes } from 'node:crypto'
import { promisify } from 'node:util'
import { backend, fromBase64url, KeyhavenError, toBase64url } from '@keyhaven/crypto'
import { usageError } from '../command-error.ts'

const argon2id = promisify(argon2)

/** RFC 9106 §4, second recommended option: 64 MiB, 3 passes, 4 lanes. */
const MEMORY_KIB = 65_536
const PASSES = 3
const LANES = 4
const SALT_BYTES = 16
const KEY_BYTES = 32
const NONCE_BYTES = 12
/** A file that asks for more is refused before anything is allocated. */
const MEMORY_MAX_KIB = 1_048_576
const PASSES_MAX = 16
const LANES_MAX = 16
const CIPHERTEXT_MAX_BYTES = 4_096
const PASSPHRASE_MIN_CHARACTERS = 12

/** A secret sealed under a passphrase: Argon2id (RFC 9106), then AES-256-GCM. Bytes are base64url. */
export interface Protection {
  readonly kdf: 'argon2id'
  readonly memoryKiB: number
  readonly passes: number
  readonly lanes: number
  readonly salt: string
  readonly aead: 'aes-256-gcm'
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
      `Take at least ${PASSPHRASE_MIN_CHARACTERS} characters; some words that nobody else would put together are good.`,
    )
  }
  const cost = { memoryKiB: MEMORY_KIB, passes: PASSES, lanes: LANES }
  const salt = randomBytes(SALT_BYTES)
  const nonce = randomBytes(NONCE_BYTES)
  const key = await deriveKey(passphrase, salt, cost)
  const ciphertext = await (await backend.importAeadKey('aes-256-gcm', key)).seal(nonce, plaintext, context)
  key.fill(0)
  plaintext.fill(0)
  return {
    kdf: 'argon2id',
    ...cost,
    salt: toBase64url(salt),
    aead: 'aes-256-gcm',
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
  const key = await deriveKey(passphrase, fromBase64url(protection.salt), protection)
  const aead = await backend.importAeadKey('aes-256-gcm', key)
  key.fill(0)
  try {
    return await aead.open(fromBase64url(protection.nonce), fromBase64url(protection.ciphertext), context)
  } catch (cause) {
    throw new KeyhavenError('OPEN_FAILED', 'the passphrase is wrong, or the file was altered', { cause })
  }
}

/** Checks what a file says before any of it is used. @throws KeyhavenError `WIRE_MALFORMED`. */
export function readProtection(value: unknown): Protection {
  const { kdf, memoryKiB, passes, lanes, salt, aead, nonce, ciphertext } = value as Record<string, unknown>
  const inRange = (number: unknown, maximum: number): boolean =>
    Number.isSafeInteger(number) && (number as number) >= 1 && (number as number) <= maximum
  const exact =
    kdf === 'argon2id' &&
    aead === 'aes-256-gcm' &&
    inRange(memoryKiB, MEMORY_MAX_KIB) &&
    inRange(passes, PASSES_MAX) &&
    inRange(lanes, LANES_MAX) &&
    (memoryKiB as number) >= 8 * (lanes as number) && // RFC 9106 §3.1
    hasBytes(salt, SALT_BYTES, SALT_BYTES) &&
    hasBytes(nonce, NONCE_BYTES, NONCE_BYTES) &&
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

async function deriveKey(
  passphrase: string,
  salt: Uint8Array,
  cost: { readonly memoryKiB: number; readonly passes: number; readonly lanes: number },
): Promise<Uint8Array> {
  return argon2id('argon2id', {
    message: passphrase.normalize('NFC'),
    nonce: salt,
    parallelism: cost.lanes,
    tagLength: KEY_BYTES,
    memory: cost.memoryKiB,
    passes: cost.passes,
  })
}
