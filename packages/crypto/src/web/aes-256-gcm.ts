import { openFailed } from '../open-failed.ts'
import { requireArgumentLength } from '../require-length.ts'
import { type Aes256Gcm, requireGcmIv } from '../rsa.ts'
import { AEAD_KEY_BYTES } from '../suite.ts'
import { bufferSource } from './buffer-source.ts'

const AES_GCM = 'AES-GCM'

/** @param key - 32 bytes; used, not copied. @throws TypeError */
export function aes256Gcm(key: Uint8Array): Aes256Gcm {
  requireArgumentLength(key, AEAD_KEY_BYTES['aes-256-gcm'], 'AES-256 key')
  const imported = (usage: KeyUsage) =>
    crypto.subtle.importKey('raw', bufferSource(key), AES_GCM, false, [usage])
  const parameters = (iv: Uint8Array, aad?: Uint8Array) => {
    requireGcmIv(iv)
    return { name: AES_GCM, iv: bufferSource(iv), ...(aad && { additionalData: bufferSource(aad) }) }
  }
  return {
    async seal(iv, plaintext, aad) {
      const given = parameters(iv, aad)
      return new Uint8Array(
        await crypto.subtle.encrypt(given, await imported('encrypt'), bufferSource(plaintext)),
      )
    },
    async open(iv, ciphertext, aad) {
      const given = parameters(iv, aad)
      const secret = await imported('decrypt')
      try {
        return new Uint8Array(await crypto.subtle.decrypt(given, secret, bufferSource(ciphertext)))
      } catch {
        throw openFailed()
      }
    },
  }
}
