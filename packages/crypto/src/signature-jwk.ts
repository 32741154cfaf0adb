import type { Jwk, SignatureAlgorithm } from './backend.ts'
import { fromBase64url } from './base64url.ts'
import { KeyhavenError } from './error.ts'
import { requiredPublicMembers } from './jwk-thumbprint.ts'
import { overwrite } from './overwrite.ts'

const BITS_PER_BYTE = 8
export const RSA_MIN_MODULUS_BITS = 2_048
export const RSA_MAX_MODULUS_BITS = 4_096
/** What a new PS256 key gets. */
export const RSA_DEFAULT_MODULUS_BITS = 3_072
export const RSA_PUBLIC_EXPONENT = Uint8Array.of(0x01, 0x00, 0x01)

const KEY_KINDS = {
  EdDSA: { kty: 'OKP', crv: 'Ed25519' },
  ES256: { kty: 'EC', crv: 'P-256' },
  PS256: { kty: 'RSA', crv: undefined },
} as const

const RSA_PRIVATE_MEMBERS = ['d', 'p', 'q', 'dp', 'dq', 'qi'] as const
const EC_MEMBER_BYTES = 32

/**
 * Public members only, checked.
 *
 * @throws KeyhavenError `WIRE_MALFORMED` if the JWK is no key of the algorithm.
 */
export function publicSignatureJwk(algorithm: SignatureAlgorithm, jwk: Jwk): Record<string, string> {
  const kind = KEY_KINDS[algorithm]
  if (jwk.kty !== kind.kty || jwk.crv !== kind.crv) {
    throw new KeyhavenError('WIRE_MALFORMED', `JWK is no ${algorithm} key`)
  }
  return kind.kty === 'RSA' ? publicRsaJwk(jwk) : checkedMembers(requiredPublicMembers(jwk))
}

/** Public and private members only, checked. Throws as {@link publicSignatureJwk}. */
export function privateSignatureJwk(algorithm: SignatureAlgorithm, jwk: Jwk): Record<string, string> {
  const publics = publicSignatureJwk(algorithm, jwk)
  if (publics.kty === 'RSA') return privateRsaJwk(jwk)
  return checkedMembers({ ...publics, d: textMember(jwk, 'd') })
}

/** `kty`, `n`, `e`, with a modulus of 2048 to 4096 bits. @throws KeyhavenError `WIRE_MALFORMED` */
export function publicRsaJwk(jwk: Jwk): Record<string, string> {
  if (jwk.kty !== 'RSA') throw new KeyhavenError('WIRE_MALFORMED', 'JWK is no RSA key')
  const members = requiredPublicMembers(jwk)
  fromBase64url(members.e!)
  const bits = bitLength(fromBase64url(members.n!))
  if (bits < RSA_MIN_MODULUS_BITS || bits > RSA_MAX_MODULUS_BITS) {
    throw new KeyhavenError(
      'WIRE_MALFORMED',
      `RSA modulus of ${RSA_MIN_MODULUS_BITS} to ${RSA_MAX_MODULUS_BITS} bits`,
    )
  }
  return { ...members }
}

/** Throws as {@link publicRsaJwk}. */
export function privateRsaJwk(jwk: Jwk): Record<string, string> {
  const members = publicRsaJwk(jwk)
  for (const name of RSA_PRIVATE_MEMBERS) {
    members[name] = textMember(jwk, name)
    overwrite(fromBase64url(members[name]))
  }
  return members
}

/** Size in bytes of an RSA modulus, thus of its ciphertexts and signatures. */
export function rsaModulusBytes(jwk: Jwk): number {
  return Math.ceil(bitLength(fromBase64url(textMember(jwk, 'n'))) / BITS_PER_BYTE)
}

function checkedMembers(members: Readonly<Record<string, string>>): Record<string, string> {
  for (const name of ['x', 'y', 'd']) {
    const value = members[name]
    if (value === undefined) continue
    const bytes = fromBase64url(value)
    const fits = bytes.length === EC_MEMBER_BYTES
    overwrite(bytes)
    if (!fits)
      throw new KeyhavenError('WIRE_MALFORMED', `JWK member ${name} must be ${EC_MEMBER_BYTES} bytes`)
  }
  return { ...members }
}

function textMember(jwk: Jwk, name: string): string {
  const value = jwk[name]
  if (typeof value !== 'string') throw new KeyhavenError('WIRE_MALFORMED', `JWK member ${name}`)
  return value
}

function bitLength(bytes: Uint8Array): number {
  const first = bytes.findIndex((byte) => byte !== 0)
  return first < 0 ? 0 : (bytes.length - first) * BITS_PER_BYTE - (Math.clz32(bytes[first]!) - 24)
}
