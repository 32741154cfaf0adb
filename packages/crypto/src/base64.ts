import { fromBase64url, toBase64url } from './base64url.ts'
import { KeyhavenError } from './error.ts'

const BASE64 = /^[A-Za-z0-9+/]*={0,2}$/
const GROUP_CHARACTERS = 4

/** base64 with padding (RFC 4648 §4): the spelling of signed notes and of XMPP's extensions. */
export function toBase64(bytes: Uint8Array): string {
  const text = toBase64url(bytes).replaceAll('-', '+').replaceAll('_', '/')
  return text.padEnd(Math.ceil(text.length / GROUP_CHARACTERS) * GROUP_CHARACTERS, '=')
}

/**
 * Strict: padded, no white space, no bits set behind the last byte, so one value has one text.
 *
 * @throws KeyhavenError `WIRE_MALFORMED`
 */
export function fromBase64(text: string): Uint8Array<ArrayBuffer> {
  if (text.length % GROUP_CHARACTERS !== 0 || !BASE64.test(text)) {
    throw new KeyhavenError('WIRE_MALFORMED', 'not base64')
  }
  return fromBase64url(text.replaceAll('+', '-').replaceAll('/', '_').replace(/=+$/, ''))
}
