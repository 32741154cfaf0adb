import { createHmac } from 'node:crypto'
import { Aes256Gcm, CipherSuite, DhkemX25519HkdfSha256, HkdfSha256 } from '@hpke/core'

// RFC 9458 and the chunked draft once more, on programs that are not ours: HPKE of @hpke/core, HKDF as two
// HMACs. Nothing here is imported from the packages, so a mistake in them does not meet itself.

const KEY_BYTES = 32
const NONCE_BYTES = 12
const HEADER_BYTES = 7
const ENC_BYTES = 32

export const suite = new CipherSuite({
  kem: new DhkemX25519HkdfSha256(),
  kdf: new HkdfSha256(),
  aead: new Aes256Gcm(),
})

export interface ForeignKey {
  readonly keyId: number
  readonly publicKey: Uint8Array
}

/** Either form of encapsulation, by the labels that RFC 9458 §4.3 and the draft §6 give it. */
export type Form = 'request' | 'chunked request'

export const concat = (...parts: Uint8Array[]): Uint8Array<ArrayBuffer> =>
  Uint8Array.from(Buffer.concat(parts))
export const text = (value: string): Uint8Array => new TextEncoder().encode(value)

/** key id, KEM 0x0020, KDF 0x0001, AEAD 0x0002. */
const headerOf = (keyId: number) => Uint8Array.of(keyId, 0, 0x20, 0, 1, 0, 2)
const infoOf = (form: Form, header: Uint8Array) =>
  concat(text(`message/bhttp ${form}`), Uint8Array.of(0), header)
const responseLabel = (form: Form) => text(`message/bhttp ${form.replace('request', 'response')}`)

/** Reads the first key configuration of `application/ohttp-keys` (RFC 9458 §3). */
export function firstKey(list: Uint8Array): ForeignKey {
  const view = new DataView(list.buffer, list.byteOffset, list.byteLength)
  if (view.getUint16(3) !== 0x0020) throw new Error('not X25519')
  return { keyId: view.getUint8(2), publicKey: list.subarray(5, 5 + ENC_BYTES) }
}

export async function sender(form: Form, key: ForeignKey) {
  const header = headerOf(key.keyId)
  const recipientPublicKey = await suite.kem.deserializePublicKey(toBuffer(key.publicKey))
  const context = await suite.createSenderContext({
    recipientPublicKey,
    info: toBuffer(infoOf(form, header)),
  })
  const enc = new Uint8Array(context.enc)
  return { header, enc, context, secret: () => context.export(toBuffer(responseLabel(form)), KEY_BYTES) }
}

export async function recipient(form: Form, recipientKey: CryptoKeyPair, envelope: Uint8Array) {
  const header = envelope.subarray(0, HEADER_BYTES)
  const enc = envelope.subarray(HEADER_BYTES, HEADER_BYTES + ENC_BYTES)
  const context = await suite.createRecipientContext({
    recipientKey,
    enc: toBuffer(enc),
    info: toBuffer(infoOf(form, header)),
  })
  const rest = envelope.subarray(HEADER_BYTES + ENC_BYTES)
  return {
    header,
    enc,
    context,
    rest,
    secret: () => context.export(toBuffer(responseLabel(form)), KEY_BYTES),
  }
}

/** RFC 9458 §4.4. */
export function responseKey(secret: ArrayBuffer, enc: Uint8Array, responseNonce: Uint8Array) {
  const pseudoRandomKey = hmac(concat(enc, responseNonce), new Uint8Array(secret))
  const key = hmac(pseudoRandomKey, concat(text('key'), Uint8Array.of(1)))
  const nonce = hmac(pseudoRandomKey, concat(text('nonce'), Uint8Array.of(1))).subarray(0, NONCE_BYTES)
  return { key, nonce }
}

export async function aead(key: Uint8Array, usage: 'encrypt' | 'decrypt') {
  const imported = await crypto.subtle.importKey('raw', toBuffer(key), 'AES-GCM', false, [usage])
  return async (nonce: Uint8Array, data: Uint8Array, additionalData: Uint8Array = new Uint8Array(0)) => {
    const parameters = { name: 'AES-GCM', iv: toBuffer(nonce), additionalData: toBuffer(additionalData) }
    return new Uint8Array(await crypto.subtle[usage](parameters, imported, toBuffer(data)))
  }
}

/** The nonce of the chunk with this number: the number, big-endian, added bit by bit (chunked draft §6.2). */
export function chunkNonce(nonce: Uint8Array, number: number): Uint8Array {
  const result = Uint8Array.from(nonce)
  result[NONCE_BYTES - 1]! ^= number
  return result
}

export function toBuffer(bytes: Uint8Array): ArrayBuffer {
  return Uint8Array.from(bytes).buffer
}

function hmac(key: Uint8Array, data: Uint8Array): Uint8Array {
  return createHmac('sha256', key).update(data).digest()
}
