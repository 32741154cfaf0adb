import { type CryptoBackend, KeyhavenError, openFailed, overwrite, utf8, Writer } from '@keyhaven/crypto'

/** Default of MOSIP's code; its local properties ship 10, so both ends must be set alike. */
export const PIN_ITERATIONS = 100_000
const SALT_BYTES = 32
const NONCE_BYTES = 12
const TAG_BYTES = 16
const KEY_BITS = 256
/** A passphrase longer than this is no PIN. */
const MAX_PIN_CHARACTERS = 1_024
export const MAX_PIN_ITERATIONS = 10_000_000

/**
 * `encryptWithPin`: salt 32 | nonce 12 | ciphertext ‖ tag; the key is PBKDF2-HMAC-SHA-512 of the PIN, the
 * associated data the salt. A PIN of few digits can be guessed by whoever has the ciphertext.
 *
 * @throws KeyhavenError `INPUT_INVALID` on an empty PIN or plaintext.
 */
export async function sealWithPin(
  backend: CryptoBackend,
  pin: string,
  plaintext: Uint8Array,
  iterations: number = PIN_ITERATIONS,
): Promise<Uint8Array<ArrayBuffer>> {
  if (plaintext.length === 0) throw new KeyhavenError('INPUT_INVALID', 'there is nothing to encrypt')
  const salt = backend.randomBytes(SALT_BYTES)
  const nonce = backend.randomBytes(NONCE_BYTES)
  const key = await pinKey(pin, salt, iterations)
  try {
    const sealed = await backend.aes256Gcm(key).seal(nonce, plaintext, salt)
    return new Writer(SALT_BYTES + NONCE_BYTES + sealed.length).bytes(salt).bytes(nonce).bytes(sealed).done()
  } finally {
    overwrite(key)
  }
}

/** @throws KeyhavenError `OPEN_FAILED` on a wrong PIN or anything else that is wrong. */
export async function openWithPin(
  backend: CryptoBackend,
  pin: string,
  bytes: Uint8Array,
  iterations: number = PIN_ITERATIONS,
): Promise<Uint8Array> {
  const dataAt = SALT_BYTES + NONCE_BYTES
  if (bytes.length <= dataAt + TAG_BYTES) throw openFailed()
  const salt = bytes.subarray(0, SALT_BYTES)
  const key = await pinKey(pin, salt, iterations)
  try {
    return await backend.aes256Gcm(key).open(bytes.subarray(SALT_BYTES, dataAt), bytes.subarray(dataAt), salt)
  } finally {
    overwrite(key)
  }
}

/** By WebCrypto everywhere: it does not hold up the event loop, which takes long for many iterations. */
async function pinKey(pin: string, salt: Uint8Array, iterations: number): Promise<Uint8Array> {
  if (pin.length === 0 || pin.length > MAX_PIN_CHARACTERS) {
    throw new KeyhavenError('INPUT_INVALID', `a PIN has 1 to ${MAX_PIN_CHARACTERS} characters`)
  }
  if (!Number.isSafeInteger(iterations) || iterations < 1 || iterations > MAX_PIN_ITERATIONS) {
    throw new TypeError(`iterations must be 1 to ${MAX_PIN_ITERATIONS}`)
  }
  const { subtle } = globalThis.crypto
  const secret = await subtle.importKey('raw', utf8(pin), 'PBKDF2', false, ['deriveBits'])
  const parameters = { name: 'PBKDF2', hash: 'SHA-512', salt: Uint8Array.from(salt), iterations }
  return new Uint8Array(await subtle.deriveBits(parameters, secret, KEY_BITS))
}
