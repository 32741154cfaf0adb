import { type CryptoBackend, randomId } from '@keyhaven/crypto'
import { malformed } from '@keyhaven/messaging'
import { ID_BYTES } from './limits.ts'

/**
 * 16 bytes, base64url: the last character has no bits set behind the last byte, so one value has one text.
 */
const ID = /^[A-Za-z0-9_-]{21}[AQgw]$/

/** Of a conversation, a key, a message or a file: 16 random bytes, base64url, 22 characters. */
export function newConversationId(backend: Pick<CryptoBackend, 'randomBytes'>): string {
  return randomId(backend, ID_BYTES)
}

export function isConversationId(value: unknown): value is string {
  return typeof value === 'string' && ID.test(value)
}

/** @throws KeyhavenError `WIRE_MALFORMED` */
export function requireId(value: unknown, what: string): string {
  if (!isConversationId(value)) throw malformed(what)
  return value
}
