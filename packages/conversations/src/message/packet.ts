import {
  AEAD_NONCE_BYTES,
  AEAD_TAG_BYTES,
  type CryptoBackend,
  KeyhavenError,
  overwrite,
  utf8,
  Writer,
} from '@keyhaven/crypto'
import {
  CONVERSATION_KEY_BYTES,
  type ConversationAlgorithm,
  requireConversationAlgorithm,
} from '../key/algorithm.ts'
import { type KeyContext, writeKeyContext } from '../key/key-context.ts'
import { MAX_PACKET_BYTES, SALT_BYTES } from './limits.ts'

export const PACKET_VERSION = 1
const LABEL = utf8('keyhaven conversation message v1')
const HEAD_BYTES = 1 + SALT_BYTES
const MESSAGE_KEY_BYTES = 32
/** One key, one message. */
const ZERO_NONCE = new Uint8Array(AEAD_NONCE_BYTES)
const CAPACITY_BYTES = 256

/**
 * A key of a conversation, ready to seal and open. Keep the object: what depends on the key alone is made
 * once.
 */
export interface ConversationKey extends KeyContext {
  readonly algorithm: ConversationAlgorithm
  /** 32 bytes. */
  readonly bytes: Uint8Array
}

interface Bound {
  /** HKDF info: label | application, conversation and key id, each behind a u16 length. */
  readonly info: Uint8Array
  /** Associated data: version u8 | the same three. */
  readonly aad: Uint8Array
}

const bound = new WeakMap<ConversationKey, Bound>()

/** The key of one message: HKDF-SHA256 (RFC 5869) of the conversation key. @param salt - 32 random bytes. */
export async function messageKey(
  backend: Pick<CryptoBackend, 'hkdfExtract' | 'hkdfExpand'>,
  key: ConversationKey,
  salt: Uint8Array,
): Promise<Uint8Array> {
  const extracted = backend.hkdfExtract(salt, key.bytes)
  const prk = extracted instanceof Promise ? await extracted : extracted
  const expanded = backend.hkdfExpand(prk, boundTo(key).info, MESSAGE_KEY_BYTES)
  const result = expanded instanceof Promise ? await expanded : expanded
  overwrite(prk)
  return result
}

/**
 * version u8 = 1 | salt 32 random bytes | AES-256-GCM ciphertext of the frame with its 16-byte tag. The key
 * is that of {@link messageKey}, the nonce 12 zero bytes, the associated data version and context.
 */
export async function sealPacket(
  backend: CryptoBackend,
  key: ConversationKey,
  frame: Uint8Array,
): Promise<Uint8Array> {
  const salt = backend.randomBytes(SALT_BYTES)
  const aead = await openKey(backend, key, salt)
  const sealed = aead.seal(ZERO_NONCE, frame, boundTo(key).aad)
  const ciphertext = sealed instanceof Promise ? await sealed : sealed
  const packet = new Uint8Array(HEAD_BYTES + ciphertext.length)
  packet[0] = PACKET_VERSION
  packet.set(salt, 1)
  packet.set(ciphertext, HEAD_BYTES)
  return packet
}

/**
 * @throws KeyhavenError `WIRE_TOO_LARGE` over {@link MAX_PACKET_BYTES} and `WIRE_MALFORMED` on another
 * version or a cut packet, before anything is derived; `SUITE_REFUSED`; `OPEN_FAILED`, whatever the reason.
 */
export async function openPacket(
  backend: CryptoBackend,
  key: ConversationKey,
  packet: Uint8Array,
): Promise<Uint8Array> {
  requirePacket(packet)
  const aead = await openKey(backend, key, packet.subarray(1, HEAD_BYTES))
  return aead.open(ZERO_NONCE, packet.subarray(HEAD_BYTES), boundTo(key).aad)
}

/** What shows without a key. @throws KeyhavenError `WIRE_TOO_LARGE`, `WIRE_MALFORMED` */
export function requirePacket(packet: Uint8Array): void {
  if (packet.length > MAX_PACKET_BYTES) throw new KeyhavenError('WIRE_TOO_LARGE', 'the message is too long')
  if (packet.length < HEAD_BYTES + AEAD_TAG_BYTES || packet[0] !== PACKET_VERSION) {
    throw new KeyhavenError('WIRE_MALFORMED', 'not a message of a known version')
  }
}

async function openKey(backend: CryptoBackend, key: ConversationKey, salt: Uint8Array) {
  requireConversationAlgorithm(key.algorithm)
  const secret = await messageKey(backend, key, salt)
  const aead = await backend.importAeadKey('aes-256-gcm', secret)
  overwrite(secret)
  return aead
}

function boundTo(key: ConversationKey): Bound {
  let made = bound.get(key)
  if (!made) {
    if (key.bytes.length !== CONVERSATION_KEY_BYTES) throw new TypeError('a conversation key has 32 bytes')
    made = {
      info: writeKeyContext(new Writer(CAPACITY_BYTES).bytes(LABEL), key).done(),
      aad: writeKeyContext(new Writer(CAPACITY_BYTES).u8(PACKET_VERSION), key).done(),
    }
    bound.set(key, made)
  }
  return made
}
