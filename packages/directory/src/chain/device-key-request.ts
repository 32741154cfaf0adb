import { type CryptoBackend, type Jwk, KeyhavenError } from '@keyhaven/crypto'
import { checkSignature, openChainJws, signChainJws } from './chain-jws.ts'
import type { ChainSigner } from './chain-signer.ts'
import { MAX_DEVICE_KEY_REQUEST_BYTES, MAX_RECORD_LIFETIME_SECONDS } from './limits.ts'
import { isApplicationId, isDeviceId, isDeviceName, isUsername } from './names.ts'
import type { PayloadFields } from './payload-fields.ts'
import { type ProfileName, profileOf } from './profile.ts'
import { checkEd25519Jwk, checkEncryptionJwk, checkSigningJwk } from './profile-keys.ts'

export const DEVICE_KEY_REQUEST_TYP = 'keyhaven-device+jws'

/**
 * What a device asks to have recorded. A compact JWS with header `{alg, typ: 'keyhaven-device+jws'}`, signed
 * by the new signing key itself: proof of possession. Times: seconds since the epoch.
 */
export interface DeviceKeyRequest {
  readonly v: 1
  readonly application: string
  readonly username: string
  /** 16 random bytes, base64url. */
  readonly device: string
  /** For people, chosen by the user. */
  readonly name: string
  readonly profile: ProfileName
  readonly signingKey: Jwk
  /** Ed25519; in the RSA profiles only. */
  readonly requestKey?: Jwk
  readonly encryptionKey: Jwk
  readonly notBefore: number
  readonly expires: number
}

const FORM = { typ: DEVICE_KEY_REQUEST_TYP, kid: false, maxBytes: MAX_DEVICE_KEY_REQUEST_BYTES }

/**
 * @param signer - the new signing key.
 * @throws KeyhavenError `RECORD_INVALID` on fields that nobody would accept.
 */
export async function signDeviceKeyRequest(
  backend: CryptoBackend,
  signer: ChainSigner,
  fields: Omit<DeviceKeyRequest, 'v' | 'signingKey'>,
): Promise<string> {
  const { application, username, device, name, profile, requestKey, encryptionKey, notBefore, expires } =
    fields
  const payload = {
    v: 1,
    application,
    username,
    device,
    name,
    profile,
    signingKey: signer.jwk,
    ...(requestKey && { requestKey }),
    encryptionKey,
    notBefore,
    expires,
  }
  const jws = await signChainJws(signer, FORM, undefined, payload)
  await verifyDeviceKeyRequest(backend, jws, { application, username })
  return jws
}

/**
 * Reads a device request and checks that the key in it signed it.
 *
 * @throws KeyhavenError `RECORD_INVALID` on any other form, keys that do not fit the profile, another
 * application or user, or a wrong signature; `SUITE_REFUSED` on an unknown profile; `WIRE_TOO_LARGE`.
 */
export async function verifyDeviceKeyRequest(
  backend: CryptoBackend,
  jws: string,
  expected: { readonly application: string; readonly username: string },
): Promise<DeviceKeyRequest> {
  const opened = openChainJws(jws, FORM)
  const request = readPayload(opened.payload)
  if (request.application !== expected.application || request.username !== expected.username)
    throw new KeyhavenError('RECORD_INVALID', 'the device request is for another application or user')
  const { algorithm } = profileOf(request.profile)
  await checkSignature(backend, { algorithm, jwk: request.signingKey }, opened)
  return request
}

function readPayload(fields: PayloadFields): DeviceKeyRequest {
  const profile = profileOf(fields.text('profile', () => true))
  const request: DeviceKeyRequest = {
    v: fields.literal('v', 1),
    application: fields.text('application', isApplicationId),
    username: fields.text('username', isUsername),
    device: fields.text('device', isDeviceId),
    name: fields.text('name', isDeviceName),
    profile: profile.name,
    signingKey: fields.jwk('signingKey'),
    ...(profile.requestKey && { requestKey: fields.jwk('requestKey') }),
    encryptionKey: fields.jwk('encryptionKey'),
    notBefore: fields.time('notBefore'),
    expires: fields.time('expires'),
  }
  fields.end()
  checkSigningJwk(profile, request.signingKey)
  if (request.requestKey) checkEd25519Jwk(request.requestKey)
  checkEncryptionJwk(profile, request.encryptionKey)
  // In the legacy profile one key does both, in rsa3072 there are two.
  if (profile.modulusBits && (request.signingKey.n === request.encryptionKey.n) !== profile.legacy)
    throw new KeyhavenError('RECORD_INVALID', 'the key does not fit its profile')
  const lifetime = request.expires - request.notBefore
  if (lifetime <= 0 || lifetime > MAX_RECORD_LIFETIME_SECONDS)
    throw new KeyhavenError('RECORD_INVALID', 'a record lives at most 400 days')
  return request
}
