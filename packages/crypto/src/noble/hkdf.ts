import { expand, extract } from '@noble/hashes/hkdf.js'
import { hmac } from '@noble/hashes/hmac.js'
import { sha256 as nobleSha256 } from '@noble/hashes/sha2.js'
import { requireExpandLength } from '../require-length.ts'

export function sha256(data: Uint8Array): Uint8Array {
  return nobleSha256(data)
}

export function hmacSha256(key: Uint8Array, data: Uint8Array): Uint8Array {
  return hmac(nobleSha256, key, data)
}

/** RFC 5869 §2.2. */
export function hkdfExtract(salt: Uint8Array, inputKeyMaterial: Uint8Array): Uint8Array {
  return extract(nobleSha256, inputKeyMaterial, salt)
}

/** RFC 5869 §2.3. */
export function hkdfExpand(pseudoRandomKey: Uint8Array, info: Uint8Array, length: number): Uint8Array {
  requireExpandLength(length)
  return length === 0 ? new Uint8Array(0) : expand(nobleSha256, pseudoRandomKey, info, length)
}
