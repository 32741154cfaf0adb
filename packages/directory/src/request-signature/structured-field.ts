import { fromBase64url, KeyhavenError, toBase64url } from '@keyhaven/crypto'

/** What a string of a structured field may hold (RFC 9651 §3.3.3). */
const PRINTABLE_ASCII = /^[\x20-\x7e]*$/
const BASE64_GROUP_CHARACTERS = 4
const BYTE_SEQUENCE = /^:([A-Za-z0-9+/]*)(={0,2}):$/

/** A string of a structured field (RFC 9651 §4.1.6). @throws TypeError on what it cannot hold. */
export function serializeString(text: string): string {
  if (!PRINTABLE_ASCII.test(text)) throw new TypeError('a structured string holds printable ASCII')
  return `"${text.replace(/["\\]/g, '\\$&')}"`
}

/** A byte sequence of a structured field (RFC 9651 §4.1.8). */
export function serializeBytes(bytes: Uint8Array): string {
  const text = toBase64url(bytes).replaceAll('-', '+').replaceAll('_', '/')
  const padded = Math.ceil(text.length / BASE64_GROUP_CHARACTERS) * BASE64_GROUP_CHARACTERS
  return `:${text.padEnd(padded, '=')}:`
}

/**
 * Stricter than RFC 9651 §4.2.7: padding is required and no bit is set behind the last byte, so one value has
 * one text.
 *
 * @throws KeyhavenError `WIRE_MALFORMED`
 */
export function parseBytes(text: string): Uint8Array<ArrayBuffer> {
  const [, digits, padding] = BYTE_SEQUENCE.exec(text) ?? []
  if (digits === undefined || (digits.length + padding!.length) % BASE64_GROUP_CHARACTERS !== 0) {
    throw new KeyhavenError('WIRE_MALFORMED', 'not a byte sequence')
  }
  return fromBase64url(digits.replaceAll('+', '-').replaceAll('/', '_'))
}
