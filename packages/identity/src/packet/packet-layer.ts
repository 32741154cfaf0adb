import { type CryptoBackend, KeyhavenError, Writer } from '@keyhaven/crypto'
import { openHybrid, sealLayoutA, THUMBPRINT_BYTES } from '../mosip/hybrid.ts'
import type { Recipient, SessionKeyOpener } from '../mosip/session-key.ts'

const NONCE_BYTES = 12
const AAD_BYTES = 32
/** What one layer adds to 2048-bit keys: nonce, associated data, thumbprint, wrapped key, splitter and tag. */
export const LAYER_OVERHEAD_BYTES = NONCE_BYTES + AAD_BYTES + THUMBPRINT_BYTES + 256 + 14 + 16
/** Of a packet as it is uploaded. */
export const MAX_PACKET_BYTES = 64 * 1024 * 1024

// nonce 12 | associated data 32 | layout A. Container and sub-packets alike.

/** @throws KeyhavenError `INPUT_INVALID` on nothing to encrypt. */
export async function sealPacketLayer(
  backend: CryptoBackend,
  recipient: Recipient,
  plaintext: Uint8Array,
): Promise<Uint8Array> {
  const nonce = backend.randomBytes(NONCE_BYTES)
  const aad = backend.randomBytes(AAD_BYTES)
  const sealed = await sealLayoutA(backend, recipient, plaintext, nonce, aad)
  return new Writer(NONCE_BYTES + AAD_BYTES + sealed.length).bytes(nonce).bytes(aad).bytes(sealed).done()
}

/** @throws KeyhavenError `OPEN_FAILED` whatever is wrong with it; `WIRE_TOO_LARGE`. */
export async function openPacketLayer(
  backend: CryptoBackend,
  opener: SessionKeyOpener,
  bytes: Uint8Array,
): Promise<Uint8Array> {
  if (bytes.length > MAX_PACKET_BYTES) throw new KeyhavenError('WIRE_TOO_LARGE', 'packet')
  const start = NONCE_BYTES + AAD_BYTES
  return openHybrid(backend, opener, bytes.subarray(start), {
    iv: bytes.slice(0, NONCE_BYTES),
    aad: bytes.slice(NONCE_BYTES, start),
  })
}

/**
 * Whom a layer is encrypted for: SHA-256 of the certificate, which anybody can read.
 *
 * @returns undefined if the bytes are too short for a layer.
 */
export function recipientOfLayer(bytes: Uint8Array): Uint8Array | undefined {
  const start = NONCE_BYTES + AAD_BYTES
  return bytes.length > LAYER_OVERHEAD_BYTES ? bytes.slice(start, start + THUMBPRINT_BYTES) : undefined
}
