import {
  type CryptoBackend,
  equalConstantTime,
  fromBase64url,
  type Jwk,
  KeyhavenError,
  overwrite,
  utf8,
  Writer,
} from '@keyhaven/crypto'
import { type DeviceEncryptionKey, unwrapKey, wrapKey } from '@keyhaven/messaging'
import { CONVERSATION_KEY_BYTES } from './algorithm.ts'
import { commitmentOfKey } from './commitment-of-key.ts'
import { type KeyContext, writeKeyContext } from './key-context.ts'

const LABEL = utf8('keyhaven conversation key v1')
const CAPACITY_BYTES = 1_024
/** Of a wrapped key: X-Wing takes 1,558. */
export const MAX_WRAPPED_KEY_CHARACTERS = 2_048
const LEGACY_MODULUS_CHARACTERS = 171

/** A device that a key is wrapped for: `{username, device, thumbprint}`. */
export interface KeyRecipient {
  readonly username: string
  readonly device: string
  /** RFC 7638 of its encryption key, base64url. */
  readonly thumbprint: string
}

/** A recipient with its wrapped key, base64url. */
export interface WrappedRecipient extends KeyRecipient {
  readonly wrapped: string
}

export interface KeyWrapContext extends KeyContext {
  /** Device that wraps: the key's maker, or who shares it. */
  readonly from: string
  readonly to: KeyRecipient
}

/**
 * HPKE info: label "keyhaven conversation key v1": u8 length | application | conversation | key id | wrapping
 * device | recipient's username | device | thumbprint, each behind a u16 length. RSA-OAEP has no such place;
 * there the commitment alone binds the key to its conversation.
 */
export function keyWrapInfo(context: KeyWrapContext): Uint8Array {
  const { username, device, thumbprint } = context.to
  return writeKeyContext(new Writer(CAPACITY_BYTES).bytes8(LABEL), context)
    .bytes16(utf8(context.from))
    .bytes16(utf8(username))
    .bytes16(utf8(device))
    .bytes16(utf8(thumbprint))
    .done()
}

/**
 * @param encryptionKey - public JWK, with the thumbprint that `context.to` names.
 * @returns base64url: enc ‖ ciphertext (HPKE base mode, AES-256-GCM), or RSA-OAEP with SHA-256.
 * @throws KeyhavenError `SUITE_REFUSED` for a legacy device; `WIRE_MALFORMED` on a key that is none.
 */
export async function wrapConversationKey(
  backend: CryptoBackend,
  encryptionKey: Jwk,
  context: KeyWrapContext,
  key: Uint8Array,
): Promise<string> {
  requireNotLegacy(encryptionKey)
  if (key.length !== CONVERSATION_KEY_BYTES) throw new TypeError('a conversation key has 32 bytes')
  return wrapKey(backend, encryptionKey, keyWrapInfo(context), key)
}

/**
 * @param commitment - of the maker's announcement, which was verified before.
 * @returns 32 bytes; the caller overwrites them after use.
 * @throws KeyhavenError `OPEN_FAILED`, whatever the reason; `SIGNATURE_INVALID` on another key than was
 * announced; `WIRE_MALFORMED`, `WIRE_TOO_LARGE`, `SUITE_REFUSED`.
 */
export async function unwrapConversationKey(
  backend: CryptoBackend,
  encryptionKey: DeviceEncryptionKey,
  context: KeyWrapContext,
  wrapped: string,
  commitment: string,
): Promise<Uint8Array> {
  requireNotLegacy(encryptionKey.publicJwk)
  if (wrapped.length > MAX_WRAPPED_KEY_CHARACTERS) {
    throw new KeyhavenError('WIRE_TOO_LARGE', 'the wrapped key is too long')
  }
  const key = await unwrapKey(backend, encryptionKey, keyWrapInfo(context), wrapped)
  const committed = fromBase64url(await commitmentOfKey(backend, context, key))
  if (key.length === CONVERSATION_KEY_BYTES && equalConstantTime(committed, fromBase64url(commitment))) {
    return key
  }
  overwrite(key)
  throw new KeyhavenError('SIGNATURE_INVALID', 'the key is another than was announced')
}

function requireNotLegacy(jwk: Jwk): void {
  if (jwk.kty === 'RSA' && typeof jwk.n === 'string' && jwk.n.length <= LEGACY_MODULUS_CHARACTERS) {
    throw new KeyhavenError('SUITE_REFUSED', 'a legacy device never enters a sealed conversation')
  }
}
