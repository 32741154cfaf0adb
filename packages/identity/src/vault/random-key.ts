import { KeyhavenError } from '@keyhaven/crypto'

const THUMBPRINT_BYTES = 32
/** Keys of an IDA at once: the present one and those that are being replaced. */
export const MAX_RANDOM_KEY_PARTS = 16
/** RSA-4096. */
const MAX_WRAPPED_BYTES = 512

/** One part of `encryptedRandomKey`: the pool key for one certificate. */
export interface RandomKeyPart {
  /** SHA-256 of the certificate's DER, 32 bytes. */
  readonly thumbprint: Uint8Array
  /** RSA-OAEP of the pool key. */
  readonly wrapped: Uint8Array
}

/** TP(32) ‖ OAEP(ZKn) for each certificate, each Base64url, joined by dots. */
export function encodeRandomKey(
  parts: readonly RandomKeyPart[],
  toText: (bytes: Uint8Array) => string,
): string {
  return parts
    .map(({ thumbprint, wrapped }) => {
      const bytes = new Uint8Array(thumbprint.length + wrapped.length)
      bytes.set(thumbprint)
      bytes.set(wrapped, thumbprint.length)
      return toText(bytes)
    })
    .join('.')
}

/** @throws KeyhavenError `WIRE_MALFORMED` */
export function decodeRandomKey(text: string, fromText: (text: string) => Uint8Array): RandomKeyPart[] {
  const parts = text.split('.', MAX_RANDOM_KEY_PARTS + 1)
  if (parts.length > MAX_RANDOM_KEY_PARTS) throw malformed()
  return parts.map((part) => {
    const bytes = fromText(part)
    if (bytes.length <= THUMBPRINT_BYTES || bytes.length > THUMBPRINT_BYTES + MAX_WRAPPED_BYTES) {
      throw malformed()
    }
    return { thumbprint: bytes.subarray(0, THUMBPRINT_BYTES), wrapped: bytes.subarray(THUMBPRINT_BYTES) }
  })
}

function malformed(): KeyhavenError {
  return new KeyhavenError('WIRE_MALFORMED', 'encrypted random key')
}
