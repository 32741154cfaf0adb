import { createCipheriv, createDecipheriv, type KeyObject } from 'node:crypto'
import { AEAD_NONCE_BYTES, type AeadKey, backend, openFailed, Writer } from '@keyhaven/crypto'
import type { AesModuleKey } from '@keyhaven/identity'

const WRAPPED_BYTES = 32

/**
 * A master key in memory.
 *
 * @param key - for ECB, 32 bytes.
 * @param aead - the same key for AES-256-GCM.
 */
export function aesModuleKey(key: KeyObject, aead: AeadKey): AesModuleKey {
  return {
    kind: 'aes-256',
    wrapEcb: (bytes) => ecb(createCipheriv('aes-256-ecb', key, null), bytes),
    unwrapEcb: (bytes) => ecb(createDecipheriv('aes-256-ecb', key, null), bytes),
    async wrap(bytes, aad) {
      const nonce = backend.randomBytes(AEAD_NONCE_BYTES)
      return new Writer()
        .bytes(nonce)
        .bytes(await aead.seal(nonce, bytes, aad))
        .done()
    },
    async unwrap(wrapped, aad) {
      if (wrapped.length <= AEAD_NONCE_BYTES) throw openFailed()
      return aead.open(wrapped.subarray(0, AEAD_NONCE_BYTES), wrapped.subarray(AEAD_NONCE_BYTES), aad)
    },
  }
}

/** Two blocks without padding; what ECB shows of equal blocks does not matter for random keys. */
function ecb(cipher: ReturnType<typeof createCipheriv>, bytes: Uint8Array): Uint8Array {
  if (bytes.length !== WRAPPED_BYTES) throw new TypeError(`a wrapped key has ${WRAPPED_BYTES} bytes`)
  return Uint8Array.from(cipher.setAutoPadding(false).update(bytes))
}
