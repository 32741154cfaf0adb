import { type CipherGCMTypes, createCipheriv, createDecipheriv } from 'node:crypto'
import type { AeadKey, AeadName } from '../backend.ts'
import { openFailed } from '../open-failed.ts'
import { overwrite } from '../overwrite.ts'
import { requireArgumentLength } from '../require-length.ts'
import { AEAD_KEY_BYTES, AEAD_NONCE_BYTES, AEAD_TAG_BYTES } from '../suite.ts'
import { plainBytes } from './plain-bytes.ts'

/**
 * Above this many bytes the ciphertext is copied piece by piece, while each piece is still in the
 * processor's cache; the pieces' memory is used again, that of one large piece would be new pages each
 * time.
 */
const PIECE_BYTES = 131_072
const TAG_LENGTH = { authTagLength: AEAD_TAG_BYTES } as const

/** Writes ciphertext and tag into one buffer allocated up front: `ciphertext ‖ 16-byte tag`. */
export function aeadSeal(
  aead: AeadName,
  key: Uint8Array,
  nonce: Uint8Array,
  plaintext: Uint8Array,
  aad: Uint8Array,
): Uint8Array<ArrayBuffer> {
  const cipher = createCipheriv(aead as CipherGCMTypes, key, nonce, TAG_LENGTH)
  if (aad.length > 0) cipher.setAAD(aad)
  // Not zeroed first: every byte is written below. Not from Node's pool: the caller gets memory of its own.
  const sealed = plainBytes(Buffer.allocUnsafeSlow(plaintext.length + AEAD_TAG_BYTES))
  if (plaintext.length <= PIECE_BYTES) sealed.set(cipher.update(plaintext))
  else {
    for (let at = 0; at < plaintext.length; at += PIECE_BYTES) {
      sealed.set(cipher.update(plaintext.subarray(at, at + PIECE_BYTES)), at)
    }
  }
  cipher.final()
  sealed.set(cipher.getAuthTag(), plaintext.length)
  return sealed
}

/** @throws KeyhavenError `OPEN_FAILED`, whatever the reason. */
export function aeadOpen(
  aead: AeadName,
  key: Uint8Array,
  nonce: Uint8Array,
  ciphertext: Uint8Array,
  aad: Uint8Array,
): Uint8Array<ArrayBuffer> {
  const length = ciphertext.length - AEAD_TAG_BYTES
  if (length < 0) throw openFailed()
  const decipher = createDecipheriv(aead as CipherGCMTypes, key, nonce, TAG_LENGTH)
  if (aad.length > 0) decipher.setAAD(aad)
  decipher.setAuthTag(ciphertext.subarray(length))
  const plaintext = decipher.update(ciphertext.subarray(0, length))
  try {
    decipher.final()
  } catch {
    // What a failed tag leaves behind is unauthenticated: nobody may see it.
    overwrite(plaintext)
    throw openFailed()
  }
  return plainBytes(plaintext)
}

/** The key is copied, so that the caller can overwrite his. */
export function importAeadKey(aead: AeadName, key: Uint8Array): AeadKey {
  requireArgumentLength(key, AEAD_KEY_BYTES[aead], 'AEAD key')
  const copy = new Uint8Array(key)
  return {
    aead,
    seal(nonce, plaintext, aad) {
      requireArgumentLength(nonce, AEAD_NONCE_BYTES, 'nonce')
      return aeadSeal(aead, copy, nonce, plaintext, aad)
    },
    open(nonce, ciphertext, aad) {
      requireArgumentLength(nonce, AEAD_NONCE_BYTES, 'nonce')
      return aeadOpen(aead, copy, nonce, ciphertext, aad)
    },
  }
}
