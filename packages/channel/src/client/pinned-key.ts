import {
  type AeadName,
  type CryptoBackend,
  fromBase64url,
  type HpkeSuite,
  type Jwk,
  KEM_PUBLIC_KEY_BYTES,
  type KemName,
  KeyhavenError,
  kemPublicKeyFromJwk,
} from '@keyhaven/crypto'
import type { RecipientKey } from '../wire/request-header.ts'
import type { PinnedKey } from './channel-options.ts'

export const KEY_ID_MAX = 255
/** An app pins the current key and the next; a few more for long-lived releases. */
export const PINNED_KEYS_MAX = 8
const DEFAULT_AEAD: AeadName = 'aes-256-gcm'

/**
 * Form and lengths are checked already; here it turns out whether it is a key.
 *
 * @throws TypeError that names the member.
 */
export async function importPinnedKey(
  backend: CryptoBackend,
  pinned: PinnedKey,
  index: number,
): Promise<RecipientKey> {
  const { keyId } = pinned
  const isJwk = 'jwk' in pinned && pinned.jwk !== undefined
  try {
    if (isJwk) {
      const publicKey = await kemPublicKeyFromJwk(backend, pinned.jwk)
      return { keyId, publicKey, aead: pinned.aead ?? DEFAULT_AEAD }
    }
    const { publicKey, suite } = pinned as Exclude<PinnedKey, { jwk: Jwk }>
    const bytes = fromBase64url(publicKey)
    const { kem, aead } = suite ?? suiteOfLength(bytes.length)
    return { keyId, publicKey: await backend.kem.importPublicKey(kem, bytes), aead }
  } catch (cause) {
    // What is wrong then is this runtime, or it is told so already.
    if (!(cause instanceof KeyhavenError) || cause.code !== 'WIRE_MALFORMED') throw cause
    const name = `trust.pinnedKeys[${index}].${isJwk ? 'jwk' : 'publicKey'}`
    throw new TypeError(`${name} is not a public key that the channel knows`, { cause })
  }
}

/** The public keys of the three KEMs differ in length, so a key without a suite is still unambiguous. */
function suiteOfLength(length: number): HpkeSuite {
  for (const [kem, bytes] of Object.entries(KEM_PUBLIC_KEY_BYTES)) {
    if (bytes === length) return { kem: kem as KemName, aead: DEFAULT_AEAD }
  }
  throw new TypeError(`no KEM has public keys of ${length} bytes`)
}
