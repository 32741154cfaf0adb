import type { Jwk } from './backend.ts'
import { fromBase64url } from './base64url.ts'
import { KeyhavenError } from './error.ts'
import { requiredPublicMembers } from './jwk-thumbprint.ts'
import { overwrite } from './overwrite.ts'

export const LEGACY_RSA_MODULUS_BITS = 1_024
export const LEGACY_RSA_MODULUS_BYTES = LEGACY_RSA_MODULUS_BITS / 8
/** 65537; no other exponent is accepted. */
const EXPONENT = 'AQAB'
const TOP_BIT = 0x80
const PRIVATE_MEMBERS = ['d', 'p', 'q', 'dp', 'dq', 'qi'] as const

/**
 * `kty`, `n`, `e` of an RSA key of exactly 1024 bits, exponent 65537: one key has one JWK.
 *
 * @throws KeyhavenError `WIRE_MALFORMED` on any other.
 */
export function publicLegacyRsaJwk(jwk: Jwk): Record<string, string> {
  const members = jwk.kty === 'RSA' ? requiredPublicMembers(jwk) : undefined
  const modulus = members ? fromBase64url(members.n!) : undefined
  const fits = modulus?.length === LEGACY_RSA_MODULUS_BYTES && (modulus[0]! & TOP_BIT) !== 0
  if (!members || !fits || members.e !== EXPONENT) {
    throw new KeyhavenError('WIRE_MALFORMED', `not an RSA key of ${LEGACY_RSA_MODULUS_BITS} bits`)
  }
  return { ...members }
}

/** Public and private members. Throws as {@link publicLegacyRsaJwk}. */
export function privateLegacyRsaJwk(jwk: Jwk): Record<string, string> {
  const members = publicLegacyRsaJwk(jwk)
  for (const name of PRIVATE_MEMBERS) {
    const value = jwk[name]
    if (typeof value !== 'string') throw new KeyhavenError('WIRE_MALFORMED', `JWK member ${name}`)
    overwrite(fromBase64url(value))
    members[name] = value
  }
  return members
}
