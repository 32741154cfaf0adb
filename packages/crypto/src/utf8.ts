import { KeyhavenError } from './error.ts'

const encoder = new TextEncoder()
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
/**
 * Up to here a loop over ASCII is faster than calling the encoder, and V8 keeps the bytes in its own heap.
 */
const SHORT_CHARACTERS = 64
const ASCII_LIMIT = 0x80

/** Text as UTF-8. */
export function utf8(text: string): Uint8Array<ArrayBuffer> {
  const ascii = text.length <= SHORT_CHARACTERS ? asciiBytes(text) : undefined
  return ascii ?? (encoder.encode(text) as Uint8Array<ArrayBuffer>)
}

/** @returns undefined for any other text. */
function asciiBytes(text: string): Uint8Array<ArrayBuffer> | undefined {
  const bytes = new Uint8Array(text.length)
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at)
    if (code >= ASCII_LIMIT) return undefined
    bytes[at] = code
  }
  return bytes
}

/** @throws KeyhavenError `WIRE_MALFORMED` on bytes that are not UTF-8. */
export function fromUtf8(bytes: Uint8Array): string {
  try {
    return decoder.decode(bytes)
  } catch (cause) {
    throw new KeyhavenError('WIRE_MALFORMED', 'not UTF-8', { cause })
  }
}
