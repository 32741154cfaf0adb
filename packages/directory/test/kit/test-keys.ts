import { backend, type Jwk, kemPublicKeyToJwk, type SigningKey, toBase64url } from '@keyhaven/crypto'
import {
  type ChainSigner,
  DEFAULT_RECORD_LIFETIME_SECONDS,
  type DeviceKeyRequest,
  legacySignerOf,
  PROFILES,
  type ProfileName,
  signDeviceKeyRequest,
  signerOf,
} from '../../src/index.ts'

/** One set of a device's keys. */
export interface TestKeys {
  readonly profile: ProfileName
  readonly signer: ChainSigner
  /** The private part of a legacy key. */
  readonly legacyPrivate?: Jwk
  /** Ed25519: signs requests. The signing key itself in the profiles that have no other. */
  readonly requestKey: SigningKey
  readonly encryptionKey: Jwk
}

export function newDeviceId(): string {
  return toBase64url(backend.randomBytes(16))
}

export async function newKeys(profile: ProfileName = 'x25519'): Promise<TestKeys> {
  const requestKey = await backend.signatures.generateKeyPair('EdDSA')
  if (profile === 'rsa1024-legacy') {
    const { publicKey, privateKey } = await backend.legacyRsa.generateKeyPair()
    const signer = legacySignerOf(backend, privateKey)
    return { profile, signer, legacyPrivate: privateKey, requestKey, encryptionKey: publicKey }
  }
  if (profile === 'rsa3072') {
    const signer = signerOf(backend, await backend.signatures.generateKeyPair('PS256'))
    const { publicKey } = await backend.rsaOaep.generateKeyPair(3072)
    return { profile, signer, requestKey, encryptionKey: publicKey }
  }
  const { publicKey } = await backend.kem.generateKeyPair(profile)
  const signer = signerOf(backend, requestKey)
  return { profile, signer, requestKey, encryptionKey: kemPublicKeyToJwk(publicKey) }
}

export type RequestFields = Pick<DeviceKeyRequest, 'application' | 'username' | 'device'> &
  Partial<DeviceKeyRequest>

/** A device request for keys, valid from `now` for 90 days unless the fields say otherwise. */
export function requestFor(keys: TestKeys, now: number, fields: RequestFields): Promise<string> {
  const { requestKey } = keys
  return signDeviceKeyRequest(backend, keys.signer, {
    name: 'a device',
    profile: keys.profile,
    ...(PROFILES[keys.profile].requestKey && { requestKey: requestKey.publicKey.jwk }),
    encryptionKey: keys.encryptionKey,
    notBefore: now,
    expires: now + DEFAULT_RECORD_LIFETIME_SECONDS,
    ...fields,
  })
}
