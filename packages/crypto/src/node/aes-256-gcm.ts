import { requireArgumentLength } from '../require-length.ts'
import { type Aes256Gcm, requireGcmIv } from '../rsa.ts'
import { AEAD_KEY_BYTES } from '../suite.ts'
import { aeadOpen, aeadSeal } from './aead.ts'

const AES_256_GCM = 'aes-256-gcm'
const EMPTY = new Uint8Array(0)

/** @param key - 32 bytes; used, not copied: it stays the caller's to overwrite. */
export function aes256Gcm(key: Uint8Array): Aes256Gcm {
  requireArgumentLength(key, AEAD_KEY_BYTES[AES_256_GCM], 'AES-256 key')
  return {
    seal(iv, plaintext, aad = EMPTY) {
      requireGcmIv(iv)
      return aeadSeal(AES_256_GCM, key, iv, plaintext, aad)
    },
    open(iv, ciphertext, aad = EMPTY) {
      requireGcmIv(iv)
      return aeadOpen(AES_256_GCM, key, iv, ciphertext, aad)
    },
  }
}
