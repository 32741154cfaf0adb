import type { CryptoBackend, HpkeSuite, KemPrivateKey, SigningKey } from '@keyhaven/crypto'
import { fromBase64url, KeyhavenError, overwrite, toBase64url } from '@keyhaven/crypto'
import type { ManagedE2eKey, ManagedKey, ManagedSigningKey } from './managed-key.ts'
import type { KeyWrapper, WrapContext } from './ports.ts'

/** A new key pair as the store keeps it. */
export interface WrappedPair {
  readonly publicKey: Uint8Array
  readonly wrappedPrivateKey: Uint8Array
}

export async function createWrappedKemPair(
  backend: CryptoBackend,
  wrapper: KeyWrapper,
  suite: HpkeSuite,
  context: WrapContext,
): Promise<WrappedPair> {
  const pair = await backend.kem.generateKeyPair(suite.kem)
  const secret = await backend.kem.exportPrivateKey(pair.privateKey)
  try {
    return { publicKey: pair.publicKey.bytes, wrappedPrivateKey: await wrapper.wrap(secret, context) }
  } finally {
    overwrite(secret)
  }
}

/** Ed25519: the public key's and the seed's 32 bytes (RFC 8032 §5.1.5). */
export async function createWrappedSigningPair(
  backend: CryptoBackend,
  wrapper: KeyWrapper,
  context: WrapContext,
): Promise<WrappedPair> {
  const key = await backend.signatures.generateKeyPair('EdDSA')
  const jwk = await backend.signatures.exportSigningKey(key)
  const secret = fromBase64url(String(jwk.d))
  try {
    return {
      publicKey: fromBase64url(String(jwk.x)),
      wrappedPrivateKey: await wrapper.wrap(secret, context),
    }
  } finally {
    overwrite(secret)
  }
}

export async function unwrapKemKey(
  backend: CryptoBackend,
  wrapper: KeyWrapper,
  key: ManagedE2eKey,
): Promise<KemPrivateKey> {
  const secret = await unwrap(wrapper, key)
  try {
    return await backend.kem.importPrivateKey(key.suite.kem, secret)
  } finally {
    overwrite(secret)
  }
}

export async function unwrapSigningKey(
  backend: CryptoBackend,
  wrapper: KeyWrapper,
  key: ManagedSigningKey,
): Promise<SigningKey> {
  const secret = await unwrap(wrapper, key)
  try {
    const jwk = { kty: 'OKP', crv: 'Ed25519', x: toBase64url(key.publicKey), d: toBase64url(secret) }
    return await backend.signatures.importSigningKey('EdDSA', jwk)
  } finally {
    overwrite(secret)
  }
}

/** What a key's private part is bound to in its wrapping. */
export function wrapContext(key: Pick<ManagedKey, 'purpose' | 'applicationId' | 'id'>): WrapContext {
  return { purpose: key.purpose, applicationId: key.applicationId, id: key.id }
}

async function unwrap(wrapper: KeyWrapper, key: ManagedKey): Promise<Uint8Array> {
  if (key.wrappedPrivateKey === undefined)
    throw new KeyhavenError('KEY_REVOKED', 'the private key was erased')
  return wrapper.unwrap(key.wrappedPrivateKey, wrapContext(key))
}
