import type { Awaitable, CryptoBackend, Jwk, KemName, KemPrivateKey, KemPublicKey } from './backend.ts'
import { fromBase64url, toBase64url } from './base64url.ts'
import { KeyhavenError } from './error.ts'
import { overwrite } from './overwrite.ts'

const UNCOMPRESSED_POINT = 0x04
const P256_COORDINATE_BYTES = 32

/** Public JWK: x25519 OKP (RFC 8037), p-256 EC (RFC 7518 §6.2), x-wing AKP. */
export function kemPublicKeyToJwk(key: Pick<KemPublicKey, 'kem' | 'bytes'>): Jwk {
  if (key.kem === 'x25519') return { kty: 'OKP', crv: 'X25519', x: toBase64url(key.bytes) }
  if (key.kem === 'x-wing') return { kty: 'AKP', alg: 'X-Wing', pub: toBase64url(key.bytes) }
  const x = key.bytes.subarray(1, 1 + P256_COORDINATE_BYTES)
  const y = key.bytes.subarray(1 + P256_COORDINATE_BYTES)
  return { kty: 'EC', crv: 'P-256', x: toBase64url(x), y: toBase64url(y) }
}

/**
 * @throws KeyhavenError `WIRE_MALFORMED` on another kind of key, a missing member, a wrong length or an
 * invalid point.
 */
export function kemPublicKeyFromJwk(backend: CryptoBackend, jwk: Jwk): Awaitable<KemPublicKey> {
  const kem = kemOf(jwk)
  if (kem === 'x25519') return backend.kem.importPublicKey(kem, member(jwk, 'x'))
  if (kem === 'x-wing') return backend.kem.importPublicKey(kem, member(jwk, 'pub'))
  const x = member(jwk, 'x')
  const y = member(jwk, 'y')
  if (x.length !== P256_COORDINATE_BYTES || y.length !== P256_COORDINATE_BYTES) {
    throw new KeyhavenError('WIRE_MALFORMED', 'JWK coordinate length')
  }
  const point = new Uint8Array(1 + 2 * P256_COORDINATE_BYTES)
  point[0] = UNCOMPRESSED_POINT
  point.set(x, 1)
  point.set(y, 1 + P256_COORDINATE_BYTES)
  return backend.kem.importPublicKey(kem, point)
}

/**
 * Private JWK: `d`, or for x-wing `priv`, the 32-byte seed. A string cannot be overwritten: keep it
 * short-lived.
 */
export async function kemPrivateKeyToJwk(backend: CryptoBackend, key: KemPrivateKey): Promise<Jwk> {
  const secret = await backend.kem.exportPrivateKey(key)
  const text = toBase64url(secret)
  overwrite(secret)
  return { ...kemPublicKeyToJwk(key.publicKey), [key.kem === 'x-wing' ? 'priv' : 'd']: text }
}

/** @throws KeyhavenError `WIRE_MALFORMED` also if the public members do not belong to the private one. */
export async function kemPrivateKeyFromJwk(backend: CryptoBackend, jwk: Jwk): Promise<KemPrivateKey> {
  const kem = kemOf(jwk)
  const secret = member(jwk, kem === 'x-wing' ? 'priv' : 'd')
  try {
    const key = await backend.kem.importPrivateKey(kem, secret)
    const derived = kemPublicKeyToJwk(key.publicKey)
    for (const [name, value] of Object.entries(derived)) {
      if (jwk[name] !== value)
        throw new KeyhavenError('WIRE_MALFORMED', 'JWK public and private parts differ')
    }
    return key
  } finally {
    overwrite(secret)
  }
}

function kemOf(jwk: Jwk): KemName {
  if (jwk.kty === 'OKP' && jwk.crv === 'X25519') return 'x25519'
  if (jwk.kty === 'EC' && jwk.crv === 'P-256') return 'p-256'
  if (jwk.kty === 'AKP' && jwk.alg === 'X-Wing') return 'x-wing'
  throw new KeyhavenError('WIRE_MALFORMED', 'JWK is no key of a supported KEM')
}

function member(jwk: Jwk, name: string): Uint8Array {
  const value = jwk[name]
  if (typeof value !== 'string') throw new KeyhavenError('WIRE_MALFORMED', `JWK member ${name}`)
  return fromBase64url(value)
}
