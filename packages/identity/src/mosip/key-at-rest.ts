import {
  type CryptoBackend,
  fromBase64url,
  openFailed,
  overwrite,
  type RsaPublicKey,
  toBase64url,
  Writer,
} from '@keyhaven/crypto'
import { KEY_SPLITTER } from './hybrid.ts'
import { SESSION_KEY_BYTES } from './session-key.ts'
import { openWithTrailingIv, sealWithTrailingIv } from './trailing-iv.ts'

/** Of an RSA-2048 module key. */
const WRAPPED_KEY_BYTES = 256

/**
 * A private key as MOSIP's `key_store` holds it, under its module key: wrapped session key | splitter |
 * ciphertext ‖ tag | IV 16, as base64url; no thumbprint.
 *
 * @param pkcs8 - the caller overwrites it.
 * @param aad - MOSIP has none; the profile `keyhaven` binds the key to its name.
 */
export async function sealKeyAtRest(
  backend: CryptoBackend,
  moduleKey: RsaPublicKey,
  pkcs8: Uint8Array,
  aad?: Uint8Array,
): Promise<string> {
  const sessionKey = backend.randomBytes(SESSION_KEY_BYTES)
  try {
    const wrapped = await backend.rsa.encryptOaep(moduleKey, sessionKey)
    const sealed = await sealWithTrailingIv(backend, sessionKey, pkcs8, aad)
    return toBase64url(new Writer().bytes(wrapped).bytes(KEY_SPLITTER).bytes(sealed).done())
  } finally {
    overwrite(sessionKey)
  }
}

/**
 * @param unwrap - RSA-OAEP decryption by the module key.
 * @returns PKCS#8, which the caller overwrites.
 * @throws KeyhavenError `OPEN_FAILED`, also if it is not base64url; what `unwrap` throws.
 */
export async function openKeyAtRest(
  backend: CryptoBackend,
  unwrap: (wrapped: Uint8Array) => Promise<Uint8Array>,
  text: string,
  aad?: Uint8Array,
): Promise<Uint8Array> {
  const bytes = decoded(text)
  const splitter = bytes.subarray(WRAPPED_KEY_BYTES, WRAPPED_KEY_BYTES + KEY_SPLITTER.length)
  if (toBase64url(splitter) !== toBase64url(KEY_SPLITTER)) throw openFailed()
  const sessionKey = await unwrap(bytes.subarray(0, WRAPPED_KEY_BYTES))
  try {
    if (sessionKey.length !== SESSION_KEY_BYTES) throw openFailed()
    const sealed = bytes.subarray(WRAPPED_KEY_BYTES + KEY_SPLITTER.length)
    return await openWithTrailingIv(backend, sessionKey, sealed, aad)
  } finally {
    overwrite(sessionKey)
  }
}

function decoded(text: string): Uint8Array {
  try {
    return fromBase64url(text)
  } catch {
    throw openFailed()
  }
}
