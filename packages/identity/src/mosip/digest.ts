import { backend, fromHex, KeyhavenError, toHex, Writer } from '@keyhaven/crypto'

const DIGEST_HEX = /^[0-9A-Fa-f]{64}$/

/** `digestAsPlainText`: SHA-256 as 64 upper-case hexadecimal characters. */
export async function upperHexDigest(bytes: Uint8Array): Promise<string> {
  return upperHex(await backend.sha256(bytes))
}

/** `digestAsPlainTextWithSalt`: the same of data ‖ salt. In spite of MOSIP's class name no HMAC. */
export async function saltedDigest(data: Uint8Array, salt: Uint8Array): Promise<string> {
  return upperHexDigest(new Writer(data.length + salt.length).bytes(data).bytes(salt).done())
}

export function upperHex(bytes: Uint8Array): string {
  return toHex(bytes).toUpperCase()
}

/** SHA-256 in hexadecimal of either case. @throws KeyhavenError `WIRE_MALFORMED` */
export function fromHexDigest(text: string): Uint8Array<ArrayBuffer> {
  if (!DIGEST_HEX.test(text)) throw new KeyhavenError('WIRE_MALFORMED', 'not a SHA-256 in hexadecimal')
  return fromHex(text)
}

/** Index of a machine key: SHA-256 in lower-case hexadecimal, a colon between the bytes. */
export async function machineKeyIndex(publicKey: Uint8Array): Promise<string> {
  return toHex(await backend.sha256(publicKey)).replace(/..(?!$)/g, '$&:')
}
