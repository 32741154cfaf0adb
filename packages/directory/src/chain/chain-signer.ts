import type { Awaitable, CryptoBackend, Jwk, SigningKey } from '@keyhaven/crypto'
import { KeyhavenError, requiredPublicMembers } from '@keyhaven/crypto'
import type { ChainAlgorithm } from './profile.ts'

/** A key that signs entries, requests and statements. */
export interface ChainSigner {
  readonly algorithm: ChainAlgorithm
  /** Public JWK, required members only. */
  readonly jwk: Jwk
  sign(data: Uint8Array): Awaitable<Uint8Array>
}

/**
 * A signer of the profiles in use today, of a recovery key or of the authority.
 *
 * @throws KeyhavenError `SUITE_REFUSED` on an algorithm that no profile has.
 */
export function signerOf(backend: CryptoBackend, key: SigningKey): ChainSigner {
  if (key.algorithm === 'ES256') throw new KeyhavenError('SUITE_REFUSED', 'no profile signs with ES256')
  return {
    algorithm: key.algorithm,
    jwk: requiredPublicMembers(key.publicKey.jwk),
    sign: (data) => backend.signatures.sign(key, data),
  }
}
