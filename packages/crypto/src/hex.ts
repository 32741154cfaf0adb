import { KeyhavenError } from './error.ts'

const HEX = /^(?:[0-9a-fA-F]{2})*$/

/** Lower-case hexadecimal. */
export function toHex(bytes: Uint8Array): string {
  let text = ''
  for (const byte of bytes) text += byte.toString(16).padStart(2, '0')
  return text
}

/** @throws KeyhavenError `WIRE_MALFORMED` on an odd length or another character. */
export function fromHex(text: string): Uint8Array<ArrayBuffer> {
  if (!HEX.test(text)) throw new KeyhavenError('WIRE_MALFORMED', 'not hexadecimal')
  const bytes = new Uint8Array(text.length / 2)
  for (let at = 0; at < bytes.length; at++) bytes[at] = Number.parseInt(text.slice(2 * at, 2 * at + 2), 16)
  return bytes
}
