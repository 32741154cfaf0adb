import { type Awaitable, type CryptoBackend, type SigningKey, toBase64url } from '@keyhaven/crypto'
import { contentDigest } from './content-digest.ts'
import {
  APPLICATION_FIELD,
  CHANNEL_FIELD,
  CONTENT_DIGEST_FIELD,
  COVERED_COMPONENTS,
  DEVICE_REQUEST_EXPORT_BYTES,
  DEVICE_REQUEST_EXPORT_LABEL,
  DEVICE_REQUEST_NONCE_BYTES,
  formatSignature,
  formatSignatureInput,
  parametersOf,
  SIGNATURE_FIELD,
  SIGNATURE_INPUT_FIELD,
} from './device-profile.ts'
import { signatureBase } from './signature-base.ts'

/** One attempt of a request, as the channel's `signedFetch` shows it. */
export interface RequestParts {
  readonly method: string
  readonly authority: string
  /** Without the query. */
  readonly path: string
  /** Empty, or from the `?` on. */
  readonly query: string
  readonly body: Uint8Array
  /** From the HPKE context of this attempt. */
  readonly export: (label: Uint8Array, length: number) => Awaitable<Uint8Array>
}

/** Who signs. */
export interface RequestSigner {
  readonly backend: CryptoBackend
  readonly application: string
  /** Device id. */
  readonly device: string
  /** Ed25519: the device's request key, or its signing key where the profile has no other. */
  readonly key: SigningKey
  /** Milliseconds since the epoch, the server's time as far as it is known. */
  readonly clock: () => number
}

/**
 * Signs one attempt of a request as a device (RFC 9421, Ed25519).
 *
 * @returns the fields to send with it. They hold inside this one seal and nowhere else.
 * @throws TypeError on a key that is not Ed25519.
 */
export async function signDeviceRequest(
  { backend, application, device, key, clock }: RequestSigner,
  request: RequestParts,
): Promise<ReadonlyArray<readonly [string, string]>> {
  if (key.algorithm !== 'EdDSA') throw new TypeError('requests are signed with Ed25519')
  const exported = await request.export(DEVICE_REQUEST_EXPORT_LABEL, DEVICE_REQUEST_EXPORT_BYTES)
  const covered: [string, string][] = [
    [APPLICATION_FIELD, application],
    [CONTENT_DIGEST_FIELD, await contentDigest(backend, request.body)],
    [CHANNEL_FIELD, toBase64url(exported)],
  ]
  const parameters = {
    created: Math.floor(clock() / 1_000),
    nonce: toBase64url(backend.randomBytes(DEVICE_REQUEST_NONCE_BYTES)),
    keyid: device,
  }
  const { method, authority, path, query } = request
  const message = { method, authority, path, query, fields: covered }
  const base = signatureBase(message, COVERED_COMPONENTS, parametersOf(parameters))
  const signature = await backend.signatures.sign(key, base)
  return [
    ...covered,
    [SIGNATURE_INPUT_FIELD, formatSignatureInput(parameters)],
    [SIGNATURE_FIELD, formatSignature(signature)],
  ]
}
