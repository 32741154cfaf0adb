import {
  AEAD_IDS,
  type AeadName,
  type HpkeSuite,
  KDF_HKDF_SHA256,
  KEM_IDS,
  type KemPublicKey,
  utf8,
  Writer,
} from '@keyhaven/crypto'

/** Key identifier u8, KEM, KDF and AEAD identifier u16 each (RFC 9458 §4.1). */
export const REQUEST_HEADER_BYTES = 7

/** The two forms: a message in one piece (RFC 9458) and in chunks (draft-ietf-ohai-chunked-ohttp-08). */
export type EncapsulationForm = 'whole' | 'chunked'

/** HPKE `info` begins with this and a zero byte (RFC 9458 §4.3, chunked draft §6.1). */
const REQUEST_LABELS: Readonly<Record<EncapsulationForm, Uint8Array>> = {
  whole: utf8('message/bhttp request'),
  chunked: utf8('message/bhttp chunked request'),
}

/** Exporter context of the response's secret (RFC 9458 §4.4, chunked draft §6.2). */
export const RESPONSE_LABELS: Readonly<Record<EncapsulationForm, Uint8Array>> = {
  whole: utf8('message/bhttp response'),
  chunked: utf8('message/bhttp chunked response'),
}

/** Exporter contexts of applications begin with this: none can be that of a response. */
const APPLICATION_EXPORT_PREFIX: Uint8Array = utf8('keyhaven channel export ')

/** The server's key as the client knows it. */
export interface RecipientKey {
  /** 0 to 255. */
  readonly keyId: number
  readonly publicKey: KemPublicKey
  readonly aead: AeadName
}

/** The first 7 bytes of an encapsulated request. */
export function encodeRequestHeader(keyId: number, suite: HpkeSuite): Uint8Array<ArrayBuffer> {
  const writer = new Writer(REQUEST_HEADER_BYTES).u8(keyId)
  return writer.u16(KEM_IDS[suite.kem]).u16(KDF_HKDF_SHA256).u16(AEAD_IDS[suite.aead]).done()
}

/** HPKE `info` of a request: label, zero, header. */
export function requestInfo(form: EncapsulationForm, header: Uint8Array): Uint8Array<ArrayBuffer> {
  const label = REQUEST_LABELS[form]
  return new Writer(label.length + 1 + header.length).bytes(label).u8(0).bytes(header).done()
}

/** The exporter context under which client and handler derive a value of their own from an exchange. */
export function applicationExportContext(label: Uint8Array): Uint8Array<ArrayBuffer> {
  return new Writer(APPLICATION_EXPORT_PREFIX.length + label.length)
    .bytes(APPLICATION_EXPORT_PREFIX)
    .bytes(label)
    .done()
}
