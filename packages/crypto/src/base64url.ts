import { KeyhavenError } from './error.ts'

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
const NOT_IN_ALPHABET = 0xff
/** Built-in since ES2026 (`Uint8Array.prototype.toBase64`); several times faster than a loop. */
interface NativeBase64 {
  toBase64?(options: { alphabet: 'base64url'; omitPadding: true }): string
  setFromBase64?(
    text: string,
    options: { alphabet: 'base64url'; lastChunkHandling: 'loose' },
  ): { readonly read: number; readonly written: number }
}

const values = new Uint8Array(128).fill(NOT_IN_ALPHABET)
for (let index = 0; index < ALPHABET.length; index++) values[ALPHABET.charCodeAt(index)] = index

/** base64url without padding (RFC 4648 §5). */
export function toBase64url(bytes: Uint8Array): string {
  const native = (bytes as NativeBase64).toBase64
  if (native) return native.call(bytes, { alphabet: 'base64url', omitPadding: true })
  let text = ''
  for (let at = 0; at < bytes.length; at += 3) {
    const group = (bytes[at]! << 16) | ((bytes[at + 1] ?? 0) << 8) | (bytes[at + 2] ?? 0)
    const digits = Math.min(bytes.length - at, 3) + 1
    for (let digit = 0; digit < digits; digit++) text += ALPHABET[(group >> (18 - 6 * digit)) & 63]
  }
  return text
}

/**
 * Strict: no padding, no white space, no bits set behind the last byte, so one value has one text.
 *
 * @throws KeyhavenError `WIRE_MALFORMED`
 */
export function fromBase64url(text: string): Uint8Array<ArrayBuffer> {
  const partial = text.length % 4
  if (partial === 1) throw malformed()
  const bytes = new Uint8Array(Math.floor((text.length * 3) / 4))
  if ((bytes as NativeBase64).setFromBase64) return setNative(bytes, text, partial)
  let written = 0
  let group = 0
  let bits = 0
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at)
    const value = code < values.length ? values[code]! : NOT_IN_ALPHABET
    if (value === NOT_IN_ALPHABET) throw malformed()
    group = ((group << 6) | value) & 0xfff
    bits += 6
    if (bits >= 8) {
      bits -= 8
      bytes[written++] = group >> bits
    }
  }
  if ((group & ((1 << bits) - 1)) !== 0) throw malformed()
  return bytes
}

/**
 * The native decoder lets white space and padding pass, which give fewer bytes, and bits behind the last
 * byte.
 */
function setNative(bytes: Uint8Array<ArrayBuffer>, text: string, partial: number): Uint8Array<ArrayBuffer> {
  let written: number
  try {
    const options = { alphabet: 'base64url', lastChunkHandling: 'loose' } as const
    written = (bytes as NativeBase64).setFromBase64!(text, options).written
  } catch {
    throw malformed()
  }
  const bitsBehind = partial === 2 ? 0x0f : partial === 3 ? 0x03 : 0
  const last = bitsBehind === 0 ? 0 : values[text.charCodeAt(text.length - 1)]!
  if (written !== bytes.length || (last & bitsBehind) !== 0) throw malformed()
  return bytes
}

function malformed(): KeyhavenError {
  return new KeyhavenError('WIRE_MALFORMED', 'not base64url')
}
