import {
  type CryptoBackend,
  fromBase64url,
  type Jwk,
  requiredPublicMembers,
  toBase64url,
} from '@keyhaven/crypto'
import type { ChainSigner } from './chain-signer.ts'
import { subjectPublicKeyInfo } from './spki.ts'

/** A signer of the legacy profile. Throws `UNSUPPORTED` as `backend.legacyRsa` does. */
export function legacySignerOf(backend: CryptoBackend, privateKey: Jwk): ChainSigner {
  return {
    algorithm: 'RS256',
    jwk: requiredPublicMembers(privateKey),
    sign: (data) => backend.legacyRsa.signSha256(privateKey, data),
  }
}

/**
 * The seed's renewal signature (seed 002, "CA Key Info Renewal", steps 2 and 3): the old key signs the SHA-1
 * hash of the new public key's SubjectPublicKeyInfo, RSASSA-PKCS1-v1_5.
 *
 * @returns base64url.
 */
export async function signLegacyProof(
  backend: CryptoBackend,
  oldPrivateKey: Jwk,
  newSigningKey: Jwk,
): Promise<string> {
  return toBase64url(await backend.legacyRsa.signSha1(oldPrivateKey, subjectPublicKeyInfo(newSigningKey)))
}

/** The authority's side (steps 5 and 6). @returns false on anything wrong. */
export async function isLegacyProof(
  backend: CryptoBackend,
  oldPublicKey: Jwk,
  newSigningKey: Jwk,
  proof: string,
): Promise<boolean> {
  let signature: Uint8Array
  try {
    signature = fromBase64url(proof)
  } catch {
    return false
  }
  return await backend.legacyRsa.verifySha1(oldPublicKey, signature, subjectPublicKeyInfo(newSigningKey))
}
