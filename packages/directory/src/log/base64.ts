import { fromBase64url, KeyhavenError, toBase64url } from '@keyhaven/crypto'

const BASE64 = /^[A-Za-z0-9+/]*={0,2}$/
const CHARACTERS_PER_GROUP = 4

/** Base64 with padding (RFC 4648 §4), as signed notes have it. */
export function toBase64(bytes: Uint8Array): string {
  const text = toBase64url(bytes).replaceAll('-', '+').replaceAll('_', '/')
  return text.padEnd(Math.ceil(text.length / CHARACTERS_PER_GROUP) * CHARACTERS_PER_GROUP, '=')
}

/** Strict: exact padding, no bits behind the last byte. @throws KeyhavenError `WIRE_MALFORMED` */
export function fromBase64(text: string): Uint8Array<ArrayBuffer> {
  const unpadded = text.replace(/=+$/, '')
  const bytes = BASE64.test(text)
    ? fromBase64url(unpadded.replaceAll('+', '-').replaceAll('/', '_'))
    : undefined
  if (!bytes || toBase64(bytes).length !== text.length)
    throw new KeyhavenError('WIRE_MALFORMED', 'not base64')
  return bytes
}
