import type { AeadKey, AeadName } from '../backend.ts'
import { openFailed } from '../open-failed.ts'
import { requireArgumentLength } from '../require-length.ts'
import { AEAD_KEY_BYTES, AEAD_NONCE_BYTES, AEAD_TAG_BYTES } from '../suite.ts'
import type { HpkePrimitives } from './primitives.ts'
import { packageError } from './suites.ts'

/**
 * AEAD keys through the `hpke` package's primitives, which import a key once for each array that holds it.
 */
export function createImportAeadKey(primitives: HpkePrimitives) {
  return async function importAeadKey(aead: AeadName, key: Uint8Array): Promise<AeadKey> {
    requireArgumentLength(key, AEAD_KEY_BYTES[aead], 'AEAD key')
    const primitive = (await primitives.aead(aead))()
    const copy = Uint8Array.from(key)
    return {
      aead,
      async seal(nonce, plaintext, aad) {
        requireArgumentLength(nonce, AEAD_NONCE_BYTES, 'nonce')
        return primitive.Seal(copy, nonce, aad, plaintext)
      },
      async open(nonce, ciphertext, aad) {
        requireArgumentLength(nonce, AEAD_NONCE_BYTES, 'nonce')
        if (ciphertext.length < AEAD_TAG_BYTES) throw openFailed()
        try {
          return await primitive.Open(copy, nonce, aad, ciphertext)
        } catch (error) {
          throw packageError(error, openFailed)
        }
      },
    }
  }
}
