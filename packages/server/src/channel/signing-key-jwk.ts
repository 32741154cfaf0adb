import type { Jwk } from '@keyhaven/crypto'
import { toBase64url } from '@keyhaven/crypto'

/** Public JWK of an Ed25519 key (RFC 8037 §2) from its 32 bytes. */
export function ed25519Jwk(publicKey: Uint8Array): Jwk {
  return { kty: 'OKP', crv: 'Ed25519', x: toBase64url(publicKey) }
}
