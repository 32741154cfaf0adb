import { type CryptoBackend, openFailed, Writer } from '@keyhaven/crypto'
import { TRAILING_IV_BYTES } from './hybrid.ts'

/**
 * AES-256-GCM as layout B's tail, the requests and eKYC answers of ID authentication, and keys at rest have
 * it: ciphertext ‖ tag | IV 16.
 *
 * @param key - 32 bytes, used for few messages: the IV is random.
 */
export async function sealWithTrailingIv(
  backend: CryptoBackend,
  key: Uint8Array,
  plaintext: Uint8Array,
  aad?: Uint8Array,
): Promise<Uint8Array<ArrayBuffer>> {
  const iv = backend.randomBytes(TRAILING_IV_BYTES)
  const sealed = await backend.aes256Gcm(key).seal(iv, plaintext, aad)
  return new Writer(sealed.length + iv.length).bytes(sealed).bytes(iv).done()
}

/** @throws KeyhavenError `OPEN_FAILED`, whatever the reason. */
export async function openWithTrailingIv(
  backend: CryptoBackend,
  key: Uint8Array,
  bytes: Uint8Array,
  aad?: Uint8Array,
): Promise<Uint8Array> {
  const ivAt = bytes.length - TRAILING_IV_BYTES
  if (ivAt < 0) throw openFailed()
  return backend.aes256Gcm(key).open(bytes.subarray(ivAt), bytes.subarray(0, ivAt), aad)
}
