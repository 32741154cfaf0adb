import { KDF_HKDF_SHA256 } from 'hpke'
import { requireExpandLength } from '../require-length.ts'
import { bufferSource } from './buffer-source.ts'

const kdf = KDF_HKDF_SHA256()

export async function sha256(data: Uint8Array): Promise<Uint8Array> {
  return new Uint8Array(await crypto.subtle.digest('SHA-256', bufferSource(data)))
}

/** HKDF-Extract is HMAC with the salt as key (RFC 5869 §2.2). */
export async function hmacSha256(key: Uint8Array, data: Uint8Array): Promise<Uint8Array> {
  return kdf.Extract(key, data)
}

/** RFC 5869 §2.2. */
export async function hkdfExtract(salt: Uint8Array, inputKeyMaterial: Uint8Array): Promise<Uint8Array> {
  return kdf.Extract(salt, inputKeyMaterial)
}

/** RFC 5869 §2.3. */
export async function hkdfExpand(
  pseudoRandomKey: Uint8Array,
  info: Uint8Array,
  length: number,
): Promise<Uint8Array> {
  requireExpandLength(length)
  return kdf.Expand(pseudoRandomKey, info, length)
}
