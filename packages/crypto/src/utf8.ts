import { KeyhavenError } from './error.ts'

const encoder = new TextEncoder()

/** Text as UTF-8. */
export function utf8(text: string): Uint8Array<ArrayBuffer> {
  return encoder.encode(text) as Uint8Array<ArrayBuffer>
}

/** @throws KeyhavenError `WIRE_MALFORMED` on bytes that are not UTF-8. */
export function fromUtf8(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch (cause) {
    throw new KeyhavenError('WIRE_MALFORMED', 'not UTF-8', { cause })
  }
}
