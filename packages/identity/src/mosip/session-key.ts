import type { CryptoBackend, RsaPublicKey } from '@keyhaven/crypto'
import { KeyhavenError } from '@keyhaven/crypto'

export const SESSION_KEY_BYTES = 32

/** Whom data is sealed to: the key of a certificate. */
export interface Recipient {
  /** SHA-256 of the certificate's DER, 32 bytes. */
  readonly thumbprint: Uint8Array
  readonly publicKey: RsaPublicKey
}

/** Holds private keys and unwraps session keys with them: a key manager, a partner's own key, an HSM. */
export interface SessionKeyOpener {
  /**
   * @param thumbprint - of the certificate; undefined: the legacy layout that names no key.
   * @param wrapped - RSA-OAEP ciphertext.
   * @returns 32 bytes, which the caller overwrites.
   * @throws KeyhavenError `OPEN_FAILED` also for a key that is not held; `STORE_UNAVAILABLE`.
   */
  open(thumbprint: Uint8Array | undefined, wrapped: Uint8Array): Promise<Uint8Array>
}

/**
 * Unwraps a session key so that a failure does not show: a random key takes its place, and opening what it
 * should open fails as it does for any other wrong byte. Otherwise the two failures could be told apart, which
 * gives away RSA-OAEP plaintexts bit by bit (Manger, CRYPTO 2001).
 *
 * @throws KeyhavenError whatever is no `OPEN_FAILED`: a fault of the store or the module.
 */
export async function unwrapOrRandom(
  backend: CryptoBackend,
  keys: SessionKeyOpener,
  thumbprint: Uint8Array | undefined,
  wrapped: Uint8Array,
): Promise<Uint8Array> {
  const random = backend.randomBytes(SESSION_KEY_BYTES)
  try {
    const opened = await keys.open(thumbprint, wrapped)
    return opened.length === SESSION_KEY_BYTES ? opened : random
  } catch (error) {
    if (error instanceof KeyhavenError && error.code === 'OPEN_FAILED') return random
    throw error
  }
}
