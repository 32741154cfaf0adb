import {
  AEAD_TAG_BYTES,
  type Awaitable,
  type CryptoBackend,
  type KemPublicKey,
  KeyhavenError,
  Writer,
} from '@keyhaven/crypto'
import {
  applicationExportContext,
  encodeRequestHeader,
  type RecipientKey,
  requestInfo,
} from './request-header.ts'
import { deriveResponseKey, responseNonceBytes } from './response-key.ts'

const NO_AAD = new Uint8Array(0)

export interface SealOptions {
  /** Only for published vectors: see `Hpke.setupSender`. */
  readonly ephemeral?: Uint8Array
}

/** A request in one piece, sealed (`message/ohttp-req`), and what opens its response. */
export interface SealedRequest {
  /** key id u8 | KEM id u16 | KDF id u16 | AEAD id u16 | encapsulated key | ciphertext and tag */
  readonly encapsulated: Uint8Array
  /**
   * Opens a `message/ohttp-res`: response nonce | ciphertext and tag.
   *
   * @throws KeyhavenError `OPEN_FAILED`, whatever the reason.
   */
  open(encapsulatedResponse: Uint8Array): Promise<Uint8Array>
  /**
   * A value that only the two ends of this exchange know; the handler gets it from `SealedContext.export`.
   */
  export(label: Uint8Array, length: number): Awaitable<Uint8Array>
}

/** What a sealed request needs of its key: the HPKE suite. */
export function suiteOf(recipient: { publicKey: KemPublicKey; aead: RecipientKey['aead'] }) {
  return { kem: recipient.publicKey.kem, aead: recipient.aead }
}

/**
 * Seals one Binary HTTP request (RFC 9458 §4.3).
 *
 * @param bhttp - the encoded request, padded already.
 */
export async function sealRequest(
  backend: CryptoBackend,
  recipient: RecipientKey,
  bhttp: Uint8Array,
  options: SealOptions = {},
): Promise<SealedRequest> {
  const header = encodeRequestHeader(recipient.keyId, suiteOf(recipient))
  const info = requestInfo('whole', header)
  const setup = backend.hpke.setupSender(suiteOf(recipient), recipient.publicKey, info, options.ephemeral)
  const context = setup instanceof Promise ? await setup : setup
  const sealing = context.seal(bhttp, NO_AAD)
  const ciphertext = sealing instanceof Promise ? await sealing : sealing
  const { enc } = context
  const encapsulated = new Writer(header.length + enc.length + ciphertext.length)
    .bytes(header)
    .bytes(enc)
    .bytes(ciphertext)
    .done()

  async function open(encapsulatedResponse: Uint8Array): Promise<Uint8Array> {
    const nonceBytes = responseNonceBytes(recipient.aead)
    if (encapsulatedResponse.length < nonceBytes + AEAD_TAG_BYTES) {
      throw new KeyhavenError('OPEN_FAILED', 'response cannot be opened')
    }
    const responseNonce = encapsulatedResponse.subarray(0, nonceBytes)
    const derivation = deriveResponseKey(backend, 'whole', recipient.aead, context, enc, responseNonce)
    const { key, nonce } = derivation instanceof Promise ? await derivation : derivation
    return key.open(nonce, encapsulatedResponse.subarray(nonceBytes), NO_AAD)
  }

  return {
    encapsulated,
    open,
    export: (label, length) => context.export(applicationExportContext(label), length),
  }
}
