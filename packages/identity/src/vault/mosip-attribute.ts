import type { CryptoBackend } from '@keyhaven/crypto'
import {
  AEAD_NONCE_BYTES,
  AEAD_TAG_BYTES,
  KeyhavenError,
  overwrite,
  Reader,
  utf8,
  Writer,
} from '@keyhaven/crypto'
import { ecb } from '@noble/ciphers/aes.js'
import { MAX_POOL_INDEX } from './pool-index.ts'

export const POOL_KEY_BYTES = 32
const INDEX_BYTES = 4
const AAD_BYTES = 32
/** What an attribute grows by: index, nonce, associated data and tag. */
export const ZK_OVERHEAD_BYTES = INDEX_BYTES + AEAD_NONCE_BYTES + AAD_BYTES + AEAD_TAG_BYTES

/**
 * The key of one person under one pool key (ZKn'), as MOSIP makes it: AES-256-ECB without padding, under the
 * pool key, over SHA-256 of the id. No KDF and no salt: whoever holds the pool key can try every id.
 *
 * @param poolKey - ZKn, 32 bytes.
 * @param id - UIN, VID or handle, as plain text.
 * @returns 32 bytes; the caller overwrites them.
 */
export async function deriveMosipKey(
  backend: Pick<CryptoBackend, 'sha256'>,
  poolKey: Uint8Array,
  id: string,
): Promise<Uint8Array> {
  return ecb(poolKey, { disablePadding: true }).encrypt(await backend.sha256(utf8(id)))
}

// index: u32 big-endian (a Java int) | nonce: 12 | AAD: 32 random | ciphertext ‖ tag: 16
/** @throws KeyhavenError `INPUT_INVALID` on an empty value: MOSIP has no encryption of nothing. */
export async function sealMosipAttribute(
  backend: Pick<CryptoBackend, 'randomBytes' | 'importAeadKey'>,
  key: Uint8Array,
  index: number,
  plaintext: Uint8Array,
): Promise<Uint8Array> {
  if (plaintext.length === 0) throw new KeyhavenError('INPUT_INVALID', 'an attribute is empty')
  const nonce = backend.randomBytes(AEAD_NONCE_BYTES)
  const aad = backend.randomBytes(AAD_BYTES)
  const sealed = await (await backend.importAeadKey('aes-256-gcm', key)).seal(nonce, plaintext, aad)
  return new Writer(plaintext.length + ZK_OVERHEAD_BYTES)
    .u32(index)
    .bytes(nonce)
    .bytes(aad)
    .bytes(sealed)
    .done()
}

/** The index that an attribute names. @throws KeyhavenError `WIRE_MALFORMED` */
export function mosipAttributeIndex(bytes: Uint8Array): number {
  const index = new Reader(bytes).u32()
  if (bytes.length <= ZK_OVERHEAD_BYTES || index > MAX_POOL_INDEX) {
    throw new KeyhavenError('WIRE_MALFORMED', 'zero-knowledge attribute')
  }
  return index
}

/**
 * Opens an attribute. Its index is not authenticated, in MOSIP's layout: another one names another key, and
 * so fails.
 *
 * @throws KeyhavenError `OPEN_FAILED`, whatever the reason.
 */
export async function openMosipAttribute(
  backend: Pick<CryptoBackend, 'importAeadKey'>,
  key: Uint8Array,
  bytes: Uint8Array,
): Promise<Uint8Array> {
  const reader = new Reader(bytes)
  reader.u32()
  const nonce = reader.bytes(AEAD_NONCE_BYTES)
  const aad = reader.bytes(AAD_BYTES)
  return (await backend.importAeadKey('aes-256-gcm', key)).open(nonce, reader.bytes(reader.remaining), aad)
}

/** Derives the person's key, uses it and overwrites it. */
export async function withMosipKey<T>(
  backend: Pick<CryptoBackend, 'sha256'>,
  poolKey: Uint8Array,
  id: string,
  use: (key: Uint8Array) => Promise<T>,
): Promise<T> {
  const key = await deriveMosipKey(backend, poolKey, id)
  try {
    return await use(key)
  } finally {
    overwrite(key)
  }
}
