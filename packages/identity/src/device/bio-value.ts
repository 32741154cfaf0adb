import {
  type CryptoBackend,
  KeyhavenError,
  openFailed,
  overwrite,
  toBase64url,
  utf8,
  Writer,
} from '@keyhaven/crypto'
import { fromAnyBase64 } from '../mosip/base64.ts'
import { fromHexDigest, upperHex } from '../mosip/digest.ts'
import { KEY_SPLITTER, openHybrid, THUMBPRINT_BYTES } from '../mosip/hybrid.ts'
import { type Recipient, SESSION_KEY_BYTES, type SessionKeyOpener } from '../mosip/session-key.ts'

const IV_BYTES = 12
const AAD_BYTES = 16
const HEX_DIGEST = /^[0-9A-Fa-f]{64}$/

/** What decides IV and associated data of a value. */
export interface BioValueContext {
  /** As it stands in the capture, character by character. */
  readonly timestamp: string
  readonly transactionId: string
}

export interface SealedBioValue {
  /** Base64url of ciphertext ‖ tag. */
  readonly bioValue: string
  readonly sessionKey: string
  readonly thumbprint: string
}

/**
 * IV and associated data of a biometric that is encrypted at its source: timestamp XOR transaction id, the
 * shorter filled up with zero bytes in front; the last 12 bytes are the IV, the last 16 the associated data.
 *
 * @throws KeyhavenError `WIRE_MALFORMED` if both are shorter than 16 bytes.
 */
export function bioValueNonces({ timestamp, transactionId }: BioValueContext): {
  readonly iv: Uint8Array
  readonly aad: Uint8Array
} {
  const [time, transaction] = [utf8(timestamp), utf8(transactionId)]
  const mixed = new Uint8Array(Math.max(time.length, transaction.length))
  if (mixed.length < AAD_BYTES) throw new KeyhavenError('WIRE_MALFORMED', 'timestamp and transaction id')
  mixed.set(time, mixed.length - time.length)
  const start = mixed.length - transaction.length
  for (let at = 0; at < transaction.length; at++) mixed[start + at]! ^= transaction[at]!
  return { iv: mixed.slice(-IV_BYTES), aad: mixed.slice(-AAD_BYTES) }
}

/**
 * Encrypts one biometric as a device does, under a session key (DE1) of its own: the IV follows from time and
 * transaction, so that a key must never serve two values.
 *
 * @param recipient - K21, or whoever is to open it.
 */
export async function sealBioValue(
  backend: CryptoBackend,
  recipient: Recipient,
  value: Uint8Array,
  context: BioValueContext,
): Promise<SealedBioValue> {
  const { iv, aad } = bioValueNonces(context)
  const sessionKey = backend.randomBytes(SESSION_KEY_BYTES)
  try {
    const sealed = await backend.aes256Gcm(sessionKey).seal(iv, value, aad)
    return {
      bioValue: toBase64url(sealed),
      sessionKey: toBase64url(await backend.rsa.encryptOaep(recipient.publicKey, sessionKey)),
      thumbprint: upperHex(recipient.thumbprint),
    }
  } finally {
    overwrite(sessionKey)
  }
}

/**
 * Opens a biometric that a device encrypted, for whoever holds the key.
 *
 * @throws KeyhavenError `OPEN_FAILED`, whatever is wrong; `STORE_UNAVAILABLE`.
 */
export async function openBioValue(
  backend: CryptoBackend,
  opener: SessionKeyOpener,
  sealed: SealedBioValue,
  context: BioValueContext,
): Promise<Uint8Array> {
  const { bytes, iv, aad } = asLayoutA(sealed, context)
  return openHybrid(backend, opener, bytes, { iv, aad })
}

/** The pieces that a device sends apart, put together as the key manager takes them. */
function asLayoutA(
  { bioValue, sessionKey, thumbprint }: SealedBioValue,
  context: BioValueContext,
): { readonly bytes: Uint8Array; readonly iv: Uint8Array; readonly aad: Uint8Array } {
  try {
    const name = HEX_DIGEST.test(thumbprint) ? fromHexDigest(thumbprint) : fromAnyBase64(thumbprint)
    // Without it the pieces would be a layout of 1.1, or begin the key elsewhere.
    if (name.length !== THUMBPRINT_BYTES) throw openFailed()
    const bytes = new Writer()
      .bytes(name)
      .bytes(fromAnyBase64(sessionKey))
      .bytes(KEY_SPLITTER)
      .bytes(fromAnyBase64(bioValue))
      .done()
    return { bytes, ...bioValueNonces(context) }
  } catch {
    throw openFailed()
  }
}
