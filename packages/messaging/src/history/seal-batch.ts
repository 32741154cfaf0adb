import {
  type CryptoBackend,
  fromBase64url,
  type Jwk,
  type KemPrivateKey,
  type KemPublicKey,
  KeyhavenError,
  kemPublicKeyFromJwk,
  overwrite,
  Reader,
  toBase64url,
  Writer,
} from '@keyhaven/crypto'
import type { DeviceEncryptionKey } from '../device/device-keys.ts'
import { ZERO_NONCE } from '../session/ratchet.ts'
import { openFrom, sealTo, unwrapKey, wrapKey } from '../wire/wrapped-key.ts'

const THUMBPRINT_CHARACTERS = 43
const CONTENT_KEY_BYTES = 32
const MAX_WRAPPED_BYTES = 2_048

/** To the backup key: HPKE, enc ‖ ciphertext. */
export function sealToBackup(
  backend: CryptoBackend,
  backupKey: KemPublicKey,
  info: Uint8Array,
  plaintext: Uint8Array,
): Promise<Uint8Array> {
  return sealTo(backend, backupKey, info, plaintext)
}

export function openFromBackup(
  backend: CryptoBackend,
  backupKey: KemPrivateKey,
  info: Uint8Array,
  sealed: Uint8Array,
): Promise<Uint8Array> {
  return openFrom(backend, backupKey, info, sealed)
}

/**
 * To a device's encryption key. HPKE profiles: thumbprint 43 ASCII | enc ‖ ciphertext. RSA profiles: thumbprint 43 ASCII |
 * content key, 32 bytes, by RSA-OAEP: u16 length | AES-256-GCM ciphertext, zero nonce, info as associated data.
 */
export async function sealToDevice(
  backend: CryptoBackend,
  recipient: { readonly jwk: Jwk; readonly thumbprint: string },
  info: Uint8Array,
  plaintext: Uint8Array,
): Promise<Uint8Array> {
  const head = new TextEncoder().encode(recipient.thumbprint)
  if (recipient.jwk.kty !== 'RSA') {
    const publicKey = await kemPublicKeyFromJwk(backend, recipient.jwk)
    const sealed = await sealTo(backend, publicKey, info, plaintext)
    return new Writer(head.length + sealed.length).bytes(head).bytes(sealed).done()
  }
  const contentKey = backend.randomBytes(CONTENT_KEY_BYTES)
  const wrapped = fromBase64url(await wrapKey(backend, recipient.jwk, info, contentKey))
  const sealed = await (await backend.importAeadKey('aes-256-gcm', contentKey)).seal(
    ZERO_NONCE,
    plaintext,
    info,
  )
  overwrite(contentKey)
  return new Writer(head.length + 2 + wrapped.length + sealed.length)
    .bytes(head)
    .bytes16(wrapped)
    .bytes(sealed)
    .done()
}

/** @throws KeyhavenError `KEY_EXPIRED` if the key that it is for is erased; `OPEN_FAILED`. */
export async function openFromDevice(
  backend: CryptoBackend,
  find: (thumbprint: string) => Promise<DeviceEncryptionKey | undefined>,
  info: Uint8Array,
  sealed: Uint8Array,
): Promise<Uint8Array> {
  const reader = new Reader(sealed)
  const key = await find(String.fromCharCode(...reader.bytes(THUMBPRINT_CHARACTERS)))
  if (!key) throw new KeyhavenError('KEY_EXPIRED', 'the history is for a key of this device that is erased')
  if ('kem' in key.privateKey)
    return openFrom(backend, key.privateKey.kem, info, reader.bytes(reader.remaining))
  const wrapped = reader.bytes16(MAX_WRAPPED_BYTES)
  const contentKey = await unwrapKey(backend, key, info, toBase64url(wrapped))
  if (contentKey.length !== CONTENT_KEY_BYTES)
    throw new KeyhavenError('OPEN_FAILED', 'the history does not open')
  const aead = await backend.importAeadKey('aes-256-gcm', contentKey)
  overwrite(contentKey)
  return aead.open(ZERO_NONCE, reader.bytes(reader.remaining), info)
}
