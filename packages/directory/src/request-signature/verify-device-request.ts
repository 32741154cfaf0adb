import {
  type Awaitable,
  type CryptoBackend,
  equalConstantTime,
  fromBase64url,
  KeyhavenError,
  type VerifyKey,
} from '@keyhaven/crypto'
import { contentDigest } from './content-digest.ts'
import {
  APPLICATION_FIELD,
  CHANNEL_FIELD,
  CONTENT_DIGEST_FIELD,
  COVERED_COMPONENTS,
  DEVICE_REQUEST_EXPORT_BYTES,
  DEVICE_REQUEST_WINDOW_SECONDS,
  type DeviceSignatureParameters,
  parametersOf,
  parseSignature,
  parseSignatureInput,
  SIGNATURE_FIELD,
  SIGNATURE_INPUT_FIELD,
} from './device-profile.ts'
import { signatureBase } from './signature-base.ts'

/** A device as the server has it now. */
export interface KnownDevice {
  /** Ed25519; its newest. */
  readonly requestKey: VerifyKey
  /** By whomever, or ended by a reset of its user. */
  readonly revoked: boolean
}

/** A request and what the server itself knows about it. */
export interface SignedDeviceRequest<Device extends KnownDevice> {
  readonly backend: CryptoBackend
  readonly method: string
  /** Host, and the port unless it is the scheme's own. */
  readonly authority: string
  /** Without the query. */
  readonly path: string
  /** Empty, or from the `?` on. */
  readonly query: string
  readonly headers: { get(name: string): string | null }
  /** The whole body, as it came. */
  readonly body: Uint8Array
  /** Whose key opened the seal. */
  readonly application: string
  /** 32 bytes from the server's end of the HPKE context, under `DEVICE_REQUEST_EXPORT_LABEL`. */
  readonly channelExport: Uint8Array
  /** Seconds since the epoch. */
  readonly now: number
  /** Of this application; undefined: unknown, or without a key that may sign requests. */
  readonly findDevice: (device: string) => Awaitable<Device | undefined>
  /**
   * Marks a nonce in a store that all processes share, in one step.
   *
   * @returns whether it was there already.
   */
  readonly seenNonce: (entry: {
    readonly device: string
    readonly nonce: string
    /** Seconds since the epoch. */
    readonly expiresAt: number
  }) => Awaitable<boolean>
}

/** Whether a request carries a signature at all, right or not: one without is meant to be unsigned. */
export function isDeviceRequest(headers: { get(name: string): string | null }): boolean {
  return headers.get(SIGNATURE_INPUT_FIELD) !== null || headers.get(SIGNATURE_FIELD) !== null
}

/**
 * Verifies that a device signed this request, for this seal, now, and for the first time.
 *
 * The values of the covered fields are compared with what the server knows itself; none is taken from the
 * request. A nonce is marked only after the signature was verified, so nobody else can use up a device's
 * nonces.
 *
 * @returns the device as `findDevice` gave it.
 * @throws KeyhavenError `UNAUTHENTICATED`, whatever the reason, which is in `cause` for the log;
 *   `DEVICE_REVOKED` if all is right and the device is revoked.
 */
export async function verifyDeviceRequest<Device extends KnownDevice>(
  request: SignedDeviceRequest<Device>,
): Promise<Device & { readonly device: string }> {
  const { backend, headers, now } = request
  if (request.channelExport.length !== DEVICE_REQUEST_EXPORT_BYTES)
    throw new TypeError('length of channelExport')
  const { parameters, signature } = readSignature(headers)
  const { created, nonce, keyid } = parameters
  if (Math.abs(now - created) > DEVICE_REQUEST_WINDOW_SECONDS) throw refused('created')
  const covered = await coveredFields(request)
  const device = await request.findDevice(keyid)
  if (device === undefined || device.requestKey.algorithm !== 'EdDSA') throw refused('device')
  const { method, authority, path, query } = request
  const message = { method, authority, path, query, fields: covered }
  const base = signatureBase(message, COVERED_COMPONENTS, parametersOf(parameters))
  if (!(await backend.signatures.verify(device.requestKey, signature, base))) throw refused('signature')
  const expiresAt = created + DEVICE_REQUEST_WINDOW_SECONDS + 1
  if (await request.seenNonce({ device: keyid, nonce, expiresAt })) throw refused('nonce')
  if (device.revoked) throw new KeyhavenError('DEVICE_REVOKED', 'this device is revoked')
  return { ...device, device: keyid }
}

function readSignature(headers: { get(name: string): string | null }): {
  parameters: DeviceSignatureParameters
  signature: Uint8Array
} {
  try {
    return {
      parameters: parseSignatureInput(headers.get(SIGNATURE_INPUT_FIELD) ?? ''),
      signature: parseSignature(headers.get(SIGNATURE_FIELD) ?? ''),
    }
  } catch {
    throw refused('form')
  }
}

/** The covered fields, each of which says what the server knows. */
async function coveredFields<Device extends KnownDevice>(
  request: SignedDeviceRequest<Device>,
): Promise<[string, string][]> {
  const { backend, headers, application, body } = request
  const digest = await contentDigest(backend, body)
  if (headers.get(APPLICATION_FIELD) !== application) throw refused('application')
  if (headers.get(CONTENT_DIGEST_FIELD) !== digest) throw refused('digest')
  const channel = headers.get(CHANNEL_FIELD) ?? ''
  let exported: Uint8Array
  try {
    exported = fromBase64url(channel)
  } catch {
    throw refused('channel')
  }
  if (!equalConstantTime(exported, request.channelExport)) throw refused('channel')
  return [
    [APPLICATION_FIELD, application],
    [CONTENT_DIGEST_FIELD, digest],
    [CHANNEL_FIELD, channel],
  ]
}

function refused(reason: string): KeyhavenError {
  const cause = new Error(`device signature: ${reason}`)
  return new KeyhavenError('UNAUTHENTICATED', 'the request is not signed by a known device', { cause })
}
