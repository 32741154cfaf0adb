import {
  type CryptoBackend,
  fromUtf8,
  type Jwk,
  jwkThumbprint,
  KeyhavenError,
  kemPrivateKeyFromJwk,
  kemPrivateKeyToJwk,
  kemPublicKeyToJwk,
  type SigningKey,
  utf8,
} from '@keyhaven/crypto'
import { legacySignerOf, signerOf } from '@keyhaven/directory'
import type { DeviceSigner, ProfileName } from '../directory-port.ts'
import type { DeviceEncryptionKey } from './device-keys.ts'

const RSA_MODULUS_BITS = 3_072

/** A set of keys as it lies in the store, sealed. Private JWKs. */
export interface KeySetRecord {
  readonly profile: ProfileName
  /** Hash of the entry, once accepted. */
  readonly entry?: string
  readonly signing: Jwk
  /** RSA profiles only. */
  readonly request?: Jwk
  /** Thumbprint of its encryption key. */
  readonly encryption: string
}

/** An encryption key as it lies in the store, sealed. */
export interface EncryptionKeyRecord {
  readonly publicJwk: Jwk
  readonly privateJwk: Jwk
  readonly notBefore: number
  readonly expires: number
}

export interface KeySet {
  readonly profile: ProfileName
  readonly signer: DeviceSigner
  readonly requestKey: SigningKey
}

export const isHpkeProfile = (profile: ProfileName): boolean => profile === 'x-wing' || profile === 'x25519'

export async function importKeySet(backend: CryptoBackend, record: KeySetRecord): Promise<KeySet> {
  const { profile } = record
  if (profile === 'rsa1024-legacy') {
    const requestKey = await backend.signatures.importSigningKey('EdDSA', required(record.request))
    return { profile, signer: legacySignerOf(backend, record.signing), requestKey }
  }
  const algorithm = profile === 'rsa3072' ? 'PS256' : 'EdDSA'
  const signingKey = await backend.signatures.importSigningKey(algorithm, record.signing)
  const requestKey = record.request
    ? await backend.signatures.importSigningKey('EdDSA', record.request)
    : signingKey
  return { profile, signer: signerOf(backend, signingKey), requestKey }
}

/** A new set: signing key, request key where the profile has one, and an encryption key. */
export async function generateKeySet(
  backend: CryptoBackend,
  profile: ProfileName,
): Promise<Omit<KeySetRecord, 'encryption'> & { readonly encryptionJwk?: Jwk }> {
  if (profile === 'rsa1024-legacy') {
    const { privateKey } = await backend.legacyRsa.generateKeyPair()
    return { profile, signing: privateKey, request: await ed25519(backend), encryptionJwk: privateKey }
  }
  if (profile !== 'rsa3072') return { profile, signing: await ed25519(backend) }
  const key = await backend.signatures.generateKeyPair('PS256')
  return { profile, signing: await backend.signatures.exportSigningKey(key), request: await ed25519(backend) }
}

async function ed25519(backend: CryptoBackend): Promise<Jwk> {
  return backend.signatures.exportSigningKey(await backend.signatures.generateKeyPair('EdDSA'))
}

export async function generateEncryptionKey(
  backend: CryptoBackend,
  profile: ProfileName,
): Promise<{ publicJwk: Jwk; privateJwk: Jwk }> {
  if (profile === 'x-wing' || profile === 'x25519') {
    const pair = await backend.kem.generateKeyPair(profile)
    return {
      publicJwk: kemPublicKeyToJwk(pair.publicKey),
      privateJwk: await kemPrivateKeyToJwk(backend, pair.privateKey),
    }
  }
  const { publicKey, privateKey } = await backend.rsaOaep.generateKeyPair(RSA_MODULUS_BITS)
  return { publicJwk: publicKey, privateJwk: privateKey }
}

export async function importEncryptionKey(
  backend: CryptoBackend,
  record: EncryptionKeyRecord,
): Promise<DeviceEncryptionKey> {
  const { publicJwk, privateJwk, notBefore, expires } = record
  return {
    thumbprint: await jwkThumbprint(backend, publicJwk),
    publicJwk,
    notBefore,
    expires,
    privateKey:
      publicJwk.kty === 'RSA'
        ? { rsa: privateJwk }
        : { kem: await kemPrivateKeyFromJwk(backend, privateJwk) },
  }
}

export const toRecord = (value: object): Uint8Array => utf8(JSON.stringify(value))

/** Reads back what {@link toRecord} wrote and a store authenticated. */
export function fromRecord<T>(bytes: Uint8Array): T {
  return JSON.parse(fromUtf8(bytes)) as T
}

function required<T>(value: T | undefined): T {
  if (value === undefined) throw new KeyhavenError('WIRE_MALFORMED', 'a stored key set is not complete')
  return value
}
