import {
  type AeadName,
  type CryptoBackend,
  fromBase64url,
  type HpkeSuite,
  KEM_PUBLIC_KEY_BYTES,
  type KemName,
  kemPublicKeyFromJwk,
} from '@keyhaven/crypto'
import type { RecipientKey } from '../wire/request-header.ts'
import type { PinnedKey } from './channel-options.ts'

const KEY_ID_MAX = 255
/** An app pins the current key and the next; a few more for long-lived releases. */
export const PINNED_KEYS_MAX = 8
const DEFAULT_AEAD: AeadName = 'aes-256-gcm'

/** @throws TypeError on a key id or a length that cannot be right; KeyhavenError `WIRE_MALFORMED` for a key that is none. */
export async function importPinnedKey(backend: CryptoBackend, pinned: PinnedKey): Promise<RecipientKey> {
  const { keyId } = pinned
  if (!Number.isInteger(keyId) || keyId < 0 || keyId > KEY_ID_MAX) {
    throw new TypeError(`keyId of a pinned key must be 0 to ${KEY_ID_MAX}`)
  }
  if ('jwk' in pinned) {
    const publicKey = await kemPublicKeyFromJwk(backend, pinned.jwk)
    return { keyId, publicKey, aead: pinned.aead ?? DEFAULT_AEAD }
  }
  const bytes = fromBase64url(pinned.publicKey)
  const suite = pinned.suite ?? suiteOfLength(bytes.length)
  return { keyId, publicKey: await backend.kem.importPublicKey(suite.kem, bytes), aead: suite.aead }
}

/** The public keys of the three KEMs differ in length, so a key without a suite is still unambiguous. */
function suiteOfLength(length: number): HpkeSuite {
  for (const [kem, bytes] of Object.entries(KEM_PUBLIC_KEY_BYTES)) {
    if (bytes === length) return { kem: kem as KemName, aead: DEFAULT_AEAD }
  }
  throw new TypeError(`no KEM has public keys of ${length} bytes`)
}
