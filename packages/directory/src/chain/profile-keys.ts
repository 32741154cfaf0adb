import { fromBase64url, type Jwk, KEM_PUBLIC_KEY_BYTES, KeyhavenError, toHex } from '@keyhaven/crypto'
import type { Profile } from './profile.ts'

const ED25519_BYTES = 32
const BITS_PER_BYTE = 8
const TOP_BIT = 0x80
/** 65537, the only public exponent. */
const RSA_EXPONENT = 'AQAB'
/** y of the points whose order divides 8, sign bit cleared: any signature can be made to fit such a key. */
const SMALL_ORDER_Y = new Set([
  '0000000000000000000000000000000000000000000000000000000000000000',
  '0100000000000000000000000000000000000000000000000000000000000000',
  '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05',
  'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a',
  'ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
  'edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
  'eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
])

/**
 * Public Ed25519 JWK with exactly `kty`, `crv`, `x` (RFC 8037 §2).
 *
 * @throws KeyhavenError `RECORD_INVALID`, also on a key of small order.
 */
export function checkEd25519Jwk(jwk: Jwk): void {
  exactly(jwk, { kty: 'OKP', crv: 'Ed25519' }, 'x')
  const bytes = memberBytes(jwk, 'x', ED25519_BYTES).slice()
  bytes[ED25519_BYTES - 1]! &= ~TOP_BIT
  if (SMALL_ORDER_Y.has(toHex(bytes))) throw invalid()
}

/**
 * The signing key of a profile: Ed25519, or RSA of exactly its size.
 *
 * @throws KeyhavenError `RECORD_INVALID`
 */
export function checkSigningJwk(profile: Profile, jwk: Jwk): void {
  if (profile.modulusBits === undefined) checkEd25519Jwk(jwk)
  else checkRsaJwk(jwk, profile.modulusBits)
}

/** The encryption key of a profile. @throws KeyhavenError `RECORD_INVALID` */
export function checkEncryptionJwk(profile: Profile, jwk: Jwk): void {
  if (profile.encryption.kind === 'rsa-oaep') checkRsaJwk(jwk, profile.encryption.modulusBits)
  else checkKemJwk(profile.encryption.kem, jwk)
}

/** X-Wing or X25519. @throws KeyhavenError `RECORD_INVALID` */
export function checkBackupJwk(jwk: Jwk): void {
  checkKemJwk(jwk.kty === 'AKP' ? 'x-wing' : 'x25519', jwk)
}

function checkKemJwk(kem: 'x-wing' | 'x25519', jwk: Jwk): void {
  if (kem === 'x-wing') exactly(jwk, { kty: 'AKP', alg: 'X-Wing' }, 'pub')
  else exactly(jwk, { kty: 'OKP', crv: 'X25519' }, 'x')
  memberBytes(jwk, kem === 'x-wing' ? 'pub' : 'x', KEM_PUBLIC_KEY_BYTES[kem])
}

function checkRsaJwk(jwk: Jwk, bits: number): void {
  exactly(jwk, { kty: 'RSA', e: RSA_EXPONENT }, 'n')
  const modulus = memberBytes(jwk, 'n', bits / BITS_PER_BYTE)
  if ((modulus[0]! & TOP_BIT) === 0 || (modulus.at(-1)! & 1) === 0) throw invalid()
}

function exactly(jwk: Jwk, fixed: Readonly<Record<string, string>>, free: string): void {
  const names = Object.keys(jwk)
  if (names.length !== Object.keys(fixed).length + 1 || !Object.hasOwn(jwk, free)) throw invalid()
  for (const [name, value] of Object.entries(fixed)) {
    if (!Object.hasOwn(jwk, name) || jwk[name] !== value) throw invalid()
  }
}

function memberBytes(jwk: Jwk, name: string, length: number): Uint8Array {
  const text = jwk[name]
  // Before decoding: four characters hold three bytes.
  if (typeof text !== 'string' || text.length !== Math.ceil((length * 4) / 3)) throw invalid()
  try {
    return fromBase64url(text)
  } catch {
    throw invalid()
  }
}

function invalid(): KeyhavenError {
  return new KeyhavenError('RECORD_INVALID', 'the key does not fit its profile')
}
