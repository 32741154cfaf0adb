import {
  type CryptoBackend,
  fromBase64url,
  type HpkeSuite,
  type Jwk,
  KEM_ENCAPSULATED_KEY_BYTES,
  type KemName,
  type KemPublicKey,
  KeyhavenError,
  kemPublicKeyFromJwk,
  toBase64url,
  utf8,
  Writer,
} from '@keyhaven/crypto'
import type { DeviceEncryptionKey } from '../device/device-keys.ts'

const INFO_LABEL = utf8('keyhaven session v1')
const LEGACY_MODULUS_CHARACTERS = 171
const NO_AAD = new Uint8Array(0)
/** Imported once for each JWK object. */
const imported = new WeakMap<object, KemPublicKey>()

/** What a wrapped session key is bound to. Hashes and ids: base64url. */
export interface WrapContext {
  readonly application: string
  readonly session: string
  readonly sender: { readonly username: string; readonly device: string; readonly entry: string }
  readonly recipient: { readonly username: string; readonly device: string; readonly entry: string }
}

/**
 * HPKE info: label "keyhaven session v1": u8 length | application: u16 length | session: u8 length | sender:
 * username u16 length, device u8 length, entry u8 length | recipient: likewise.
 */
export function wrapInfo(context: WrapContext): Uint8Array {
  const writer = new Writer(512)
    .bytes8(INFO_LABEL)
    .bytes16(utf8(context.application))
    .bytes8(utf8(context.session))
  for (const { username, device, entry } of [context.sender, context.recipient]) {
    writer.bytes16(utf8(username)).bytes8(utf8(device)).bytes8(utf8(entry))
  }
  return writer.done()
}

/**
 * Wraps a session key for one device: HPKE base mode, AES-256-GCM (enc ‖ ciphertext), or RSA-OAEP with SHA-256.
 *
 * @throws KeyhavenError `WIRE_MALFORMED` on a key that is none.
 */
export async function wrapKey(
  backend: CryptoBackend,
  encryptionKey: Jwk,
  info: Uint8Array,
  key: Uint8Array,
): Promise<string> {
  if (encryptionKey.kty === 'RSA') {
    const rsa = isLegacyRsa(encryptionKey) ? backend.legacyRsa : backend.rsaOaep
    return toBase64url(await rsa.encrypt(encryptionKey, key))
  }
  let publicKey = imported.get(encryptionKey)
  if (!publicKey) {
    publicKey = await kemPublicKeyFromJwk(backend, encryptionKey)
    imported.set(encryptionKey, publicKey)
  }
  return toBase64url(await sealTo(backend, publicKey, info, key))
}

/** @throws KeyhavenError `OPEN_FAILED`, whatever the reason. */
export async function unwrapKey(
  backend: CryptoBackend,
  encryptionKey: DeviceEncryptionKey,
  info: Uint8Array,
  wrapped: string,
): Promise<Uint8Array> {
  const bytes = fromBase64url(wrapped)
  const { privateKey } = encryptionKey
  if ('rsa' in privateKey) {
    const rsa = isLegacyRsa(privateKey.rsa) ? backend.legacyRsa : backend.rsaOaep
    return rsa.decrypt(privateKey.rsa, bytes)
  }
  return openFrom(backend, privateKey.kem, info, bytes)
}

/** One HPKE message: enc ‖ ciphertext. */
export async function sealTo(
  backend: CryptoBackend,
  publicKey: KemPublicKey,
  info: Uint8Array,
  plaintext: Uint8Array,
): Promise<Uint8Array> {
  const context = await backend.hpke.setupSender(suiteOf(publicKey.kem), publicKey, info)
  const ciphertext = await context.seal(plaintext, NO_AAD)
  const sealed = new Uint8Array(context.enc.length + ciphertext.length)
  sealed.set(context.enc)
  sealed.set(ciphertext, context.enc.length)
  return sealed
}

/** @throws KeyhavenError `OPEN_FAILED`, whatever the reason. */
export async function openFrom(
  backend: CryptoBackend,
  privateKey: Parameters<CryptoBackend['hpke']['setupRecipient']>[1],
  info: Uint8Array,
  sealed: Uint8Array,
): Promise<Uint8Array> {
  const encBytes = KEM_ENCAPSULATED_KEY_BYTES[privateKey.kem]
  if (sealed.length <= encBytes) throw new KeyhavenError('OPEN_FAILED', 'the message does not open')
  const enc = sealed.subarray(0, encBytes)
  const context = await backend.hpke.setupRecipient(suiteOf(privateKey.kem), privateKey, enc, info)
  return context.open(sealed.subarray(encBytes), NO_AAD)
}

/** By the length of the modulus, base64url: 128 bytes. */
function isLegacyRsa(jwk: Jwk): boolean {
  return typeof jwk.n === 'string' && jwk.n.length === LEGACY_MODULUS_CHARACTERS
}

function suiteOf(kem: KemName): HpkeSuite {
  return { kem, aead: 'aes-256-gcm' }
}
