import { fromBase64url, KeyhavenError, utf8 } from '@keyhaven/crypto'
import { DEVICE_ID_BYTES } from '../chain/limits.ts'
import { type SignatureParameters, signatureParams } from './signature-base.ts'
import { parseBytes, serializeBytes } from './structured-field.ts'

/** Label of the value exported from the channel's HPKE context, which ties a signature to one seal. */
export const DEVICE_REQUEST_EXPORT_LABEL: Uint8Array = utf8('keyhaven device request v1')
export const DEVICE_REQUEST_EXPORT_BYTES = 32
/** How far `created` may be from the server's time, on either side. */
export const DEVICE_REQUEST_WINDOW_SECONDS = 120
export const DEVICE_REQUEST_NONCE_BYTES = 16
export const ED25519_SIGNATURE_BYTES = 64

export const APPLICATION_FIELD = 'keyhaven-application'
export const CHANNEL_FIELD = 'keyhaven-channel'
export const CONTENT_DIGEST_FIELD = 'content-digest'
export const SIGNATURE_INPUT_FIELD = 'signature-input'
export const SIGNATURE_FIELD = 'signature'

/** Everything that a device signs of a request, in this order and no other. */
export const COVERED_COMPONENTS: readonly string[] = [
  '@method',
  '@authority',
  '@path',
  '@query',
  APPLICATION_FIELD,
  CONTENT_DIGEST_FIELD,
  CHANNEL_FIELD,
]

const LABEL = 'sig'
const ALGORITHM = 'ed25519'
const TAG = 'keyhaven-device'

/** What the parameters of a device signature say. */
export interface DeviceSignatureParameters {
  /** Seconds since the epoch. */
  readonly created: number
  /** 16 random bytes, base64url. */
  readonly nonce: string
  /** Device id: 16 bytes, base64url. */
  readonly keyid: string
}

export function parametersOf({ created, nonce, keyid }: DeviceSignatureParameters): SignatureParameters {
  return [
    ['created', created],
    ['nonce', nonce],
    ['keyid', keyid],
    ['alg', ALGORITHM],
    ['tag', TAG],
  ]
}

/** Value of `Signature-Input`. */
export function formatSignatureInput(parameters: DeviceSignatureParameters): string {
  return `${LABEL}=${signatureParams(COVERED_COMPONENTS, parametersOf(parameters))}`
}

const INPUT_PARAMETERS = /;created=([1-9][0-9]{0,11});nonce="([\w-]{22})";keyid="([\w-]{22})";/

/**
 * Reads a `Signature-Input` of exactly the form that {@link formatSignatureInput} writes: another label,
 * component, parameter, order or spelling is refused, and so is a second signature.
 *
 * @throws KeyhavenError `WIRE_MALFORMED`
 */
export function parseSignatureInput(text: string): DeviceSignatureParameters {
  const [, created, nonce, keyid] = INPUT_PARAMETERS.exec(text) ?? []
  if (created === undefined || nonce === undefined || keyid === undefined) throw malformed()
  const parameters = { created: Number(created), nonce, keyid }
  // Written again it must be the same text: nothing that was skipped can hide in it.
  if (formatSignatureInput(parameters) !== text) throw malformed()
  if (fromBase64url(nonce).length !== DEVICE_REQUEST_NONCE_BYTES) throw malformed()
  if (fromBase64url(keyid).length !== DEVICE_ID_BYTES) throw malformed()
  return parameters
}

/** Value of `Signature`. */
export function formatSignature(signature: Uint8Array): string {
  return `${LABEL}=${serializeBytes(signature)}`
}

/** @throws KeyhavenError `WIRE_MALFORMED` on anything but one Ed25519 signature under our label. */
export function parseSignature(text: string): Uint8Array {
  if (!text.startsWith(`${LABEL}=`)) throw malformed()
  const signature = parseBytes(text.slice(LABEL.length + 1))
  if (signature.length !== ED25519_SIGNATURE_BYTES) throw malformed()
  return signature
}

function malformed(): KeyhavenError {
  return new KeyhavenError('WIRE_MALFORMED', 'not a device signature')
}
