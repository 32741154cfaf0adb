import type { Awaitable, CryptoBackend, Jwk } from './backend.ts'
import { toBase64url } from './base64url.ts'
import { KeyhavenError } from './error.ts'
import { utf8 } from './utf8.ts'

/**
 * Required members by key type, in the order of their names (RFC 7638 §3.2, RFC 8037 §2; AKP:
 * draft-ietf-cose-dilithium).
 */
const REQUIRED_MEMBERS: Readonly<Record<string, readonly string[]>> = {
  AKP: ['alg', 'kty', 'pub'],
  EC: ['crv', 'kty', 'x', 'y'],
  OKP: ['crv', 'kty', 'x'],
  RSA: ['e', 'kty', 'n'],
}

/**
 * The public JWK with only its required members, sorted: what a thumbprint covers.
 * Throws as {@link jwkThumbprint}.
 */
export function requiredPublicMembers(jwk: Jwk): Readonly<Record<string, string>> {
  const names =
    typeof jwk.kty === 'string' && Object.hasOwn(REQUIRED_MEMBERS, jwk.kty)
      ? REQUIRED_MEMBERS[jwk.kty]
      : undefined
  if (!names) throw new KeyhavenError('WIRE_MALFORMED', 'JWK key type')
  const members: Record<string, string> = {}
  for (const name of names) {
    const value = jwk[name]
    if (typeof value !== 'string') throw new KeyhavenError('WIRE_MALFORMED', `JWK member ${name}`)
    members[name] = value
  }
  return members
}

/**
 * Thumbprint of a JWK (RFC 7638) with SHA-256. Of a private key: that of its public part.
 *
 * @returns 43 characters, base64url.
 * @throws KeyhavenError `WIRE_MALFORMED` on an unknown key type or a missing member.
 */
export function jwkThumbprint(backend: CryptoBackend, jwk: Jwk): Awaitable<string> {
  const digest = backend.sha256(utf8(JSON.stringify(requiredPublicMembers(jwk))))
  return digest instanceof Uint8Array ? toBase64url(digest) : digest.then(toBase64url)
}
