import { type Awaitable, type CryptoBackend, type Jwk, KeyhavenError } from '@keyhaven/crypto'
import type { DeviceSigner } from '../directory-port.ts'

interface LegacyRsaSigner {
  signSha256(privateKey: Jwk, data: Uint8Array): Awaitable<Uint8Array>
  generateKeyPair(): Awaitable<{ publicKey: Jwk; privateKey: Jwk }>
}

/** @throws KeyhavenError `UNSUPPORTED` if this runtime has no RSA-1024. */
export function legacyRsaOf(backend: CryptoBackend): LegacyRsaSigner {
  const legacy = (backend as { legacyRsa?: LegacyRsaSigner }).legacyRsa
  if (!legacy) throw new KeyhavenError('UNSUPPORTED', 'this runtime has no RSA-1024')
  return legacy
}

/** Signs RS256 with a private RSA-1024 JWK. */
export function legacySigner(backend: CryptoBackend, privateKey: Jwk): DeviceSigner {
  const jwk: Jwk = { kty: 'RSA', n: privateKey.n, e: privateKey.e }
  return { algorithm: 'RS256', jwk, sign: (data) => legacyRsaOf(backend).signSha256(privateKey, data) }
}
