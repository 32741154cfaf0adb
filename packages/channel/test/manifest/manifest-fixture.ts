import {
  DELEGATION_TYP,
  type Delegation,
  MANIFEST_TYP,
  type Manifest,
  type ManifestKey,
  signDelegation,
} from '@keyhaven/channel'
import {
  type CryptoBackend,
  jwkThumbprint,
  type SigningKey,
  signCompactJws,
  toBase64url,
} from '@keyhaven/crypto'

export const DAY_SECONDS = 86_400
export const NOW_SECONDS = 1_790_000_000

/** A root key, a manifest key and what they sign, for one application. */
export interface ManifestFixture {
  readonly rootKey: SigningKey
  readonly manifestKey: SigningKey
  readonly thumbprint: string
  readonly delegation: Delegation
  readonly delegationJws: string
  readonly manifest: Manifest
}

export async function manifestFixture(backend: CryptoBackend): Promise<ManifestFixture> {
  const rootKey = await backend.signatures.generateKeyPair('EdDSA')
  const manifestKey = await backend.signatures.generateKeyPair('EdDSA')
  const delegation = {
    application: 'demo',
    epoch: 1,
    key: manifestKey.publicKey.jwk,
    issued: NOW_SECONDS,
    expires: NOW_SECONDS + 90 * DAY_SECONDS,
  }
  const manifest = {
    application: 'demo',
    epoch: 1,
    sequence: 7,
    issued: NOW_SECONDS,
    expires: NOW_SECONDS + DAY_SECONDS,
    keys: [await manifestKeyOf(backend, 1)],
  }
  return {
    rootKey,
    manifestKey,
    thumbprint: await jwkThumbprint(backend, rootKey.publicKey.jwk),
    delegation,
    delegationJws: await signDelegation(backend, rootKey, delegation),
    manifest,
  }
}

export async function manifestKeyOf(backend: CryptoBackend, id: number): Promise<ManifestKey> {
  const { publicKey } = await backend.kem.generateKeyPair('x25519')
  return {
    id,
    suite: { kem: 'x25519', aead: 'aes-256-gcm' },
    publicKey: toBase64url(publicKey.bytes),
    state: 'active',
  }
}

/** Signs a delegation that {@link signDelegation} would refuse to sign. */
export function forgeDelegation(
  backend: CryptoBackend,
  rootKey: SigningKey,
  payload: object,
  header: object = {},
): Promise<string> {
  const { kty, crv, x } = rootKey.publicKey.jwk
  return signCompactJws(backend, rootKey, { typ: DELEGATION_TYP, jwk: { kty, crv, x }, ...header }, payload)
}

/** Signs a manifest that `signManifest` would refuse to sign. */
export function forgeManifest(
  backend: CryptoBackend,
  manifestKey: SigningKey,
  delegation: unknown,
  payload: object,
  typ: string = MANIFEST_TYP,
): Promise<string> {
  return signCompactJws(backend, manifestKey, { typ, delegation }, payload)
}
