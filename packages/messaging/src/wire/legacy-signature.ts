import { type Awaitable, type CryptoBackend, type Jwk, KeyhavenError } from '@keyhaven/crypto'

/** RSASSA-PKCS1-v1_5 with SHA-256 over a 1024-bit key, where the backend has it. */
interface LegacyRsaVerifier {
  verifySha256(publicKey: Jwk, signature: Uint8Array, data: Uint8Array): Awaitable<boolean>
}

/** @throws KeyhavenError `UNSUPPORTED` if this runtime has no RSA-1024. */
export function verifyLegacySignature(
  backend: CryptoBackend,
  key: Jwk,
  signature: Uint8Array,
  data: Uint8Array,
): Awaitable<boolean> {
  const legacy = (backend as { legacyRsa?: LegacyRsaVerifier }).legacyRsa
  if (!legacy) throw new KeyhavenError('UNSUPPORTED', 'this runtime has no RSA-1024')
  return legacy.verifySha256(key, signature, data)
}
