import {
  AEAD_KEY_BYTES,
  AEAD_NONCE_BYTES,
  type AeadKey,
  type AeadName,
  type Awaitable,
  type CryptoBackend,
  overwrite,
  utf8,
} from '@keyhaven/crypto'
import { chain } from './chain.ts'
import { joinBytes } from './join-bytes.ts'
import { type EncapsulationForm, RESPONSE_LABELS } from './request-header.ts'

const KEY_INFO: Uint8Array = utf8('key')
const NONCE_INFO: Uint8Array = utf8('nonce')

/** The AEAD key of one response and its nonce, to be XORed with a counter in the chunked form. */
export interface ResponseKey {
  readonly key: AeadKey
  readonly nonce: Uint8Array
}

/** Bytes of the response nonce, and of the exported secret: max(Nn, Nk). */
export function responseNonceBytes(aead: AeadName): number {
  return Math.max(AEAD_NONCE_BYTES, AEAD_KEY_BYTES[aead])
}

/**
 * Derives the response key of one exchange (RFC 9458 §4.4, chunked draft §6.2).
 *
 * @param context - the HPKE context of the request, of either side.
 * @param enc - the encapsulated key of the request.
 * @param responseNonce - random, sent in clear before the ciphertext; {@link responseNonceBytes} long.
 */
export function deriveResponseKey(
  backend: CryptoBackend,
  form: EncapsulationForm,
  aead: AeadName,
  context: { export(exporterContext: Uint8Array, length: number): Awaitable<Uint8Array> },
  enc: Uint8Array,
  responseNonce: Uint8Array,
): Awaitable<ResponseKey> {
  const salt = joinBytes([enc, responseNonce])
  return chain(context.export(RESPONSE_LABELS[form], responseNonceBytes(aead)), (secret) =>
    chain(backend.hkdfExtract(salt, secret), (prk) =>
      chain(backend.hkdfExpand(prk, KEY_INFO, AEAD_KEY_BYTES[aead]), (keyBytes) =>
        chain(backend.importAeadKey(aead, keyBytes), (key) =>
          chain(backend.hkdfExpand(prk, NONCE_INFO, AEAD_NONCE_BYTES), (nonce) => {
            overwrite(secret, prk, keyBytes)
            return { key, nonce }
          }),
        ),
      ),
    ),
  )
}
