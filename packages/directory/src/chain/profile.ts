import { KeyhavenError } from '@keyhaven/crypto'

/** Named sets of algorithms of a device. */
export type ProfileName = 'x-wing' | 'x25519' | 'rsa3072' | 'rsa1024-legacy'
/** JWS algorithms of the profiles (RFC 7518 §3.1, RFC 8037 §3.1). */
export type ChainAlgorithm = 'EdDSA' | 'PS256' | 'RS256'
/** How keys for a device are encrypted: an HPKE KEM or RSA-OAEP with SHA-256. */
export type ProfileEncryption =
  | { readonly kind: 'hpke'; readonly kem: 'x-wing' | 'x25519' }
  | { readonly kind: 'rsa-oaep'; readonly modulusBits: number }

export interface Profile {
  readonly name: ProfileName
  /** A device's profile may go up in rank with a renewal, never down. */
  readonly rank: number
  readonly algorithm: ChainAlgorithm
  /** Of RSA signing keys, in bits, exactly. */
  readonly modulusBits?: number
  readonly encryption: ProfileEncryption
  /**
   * Requests are always signed with Ed25519 (RFC 9421): the RSA profiles carry a key of their own for them.
   */
  readonly requestKey: boolean
  /**
   * Seed 002 as it was written in its day: off unless switched on by name, and never an authority for others.
   */
  readonly legacy: boolean
}

export const RSA_PROFILE_MODULUS_BITS = 3_072
export const LEGACY_MODULUS_BITS = 1_024

export const PROFILES: Readonly<Record<ProfileName, Profile>> = {
  'rsa1024-legacy': {
    name: 'rsa1024-legacy',
    rank: 0,
    algorithm: 'RS256',
    modulusBits: LEGACY_MODULUS_BITS,
    encryption: { kind: 'rsa-oaep', modulusBits: LEGACY_MODULUS_BITS },
    requestKey: true,
    legacy: true,
  },
  rsa3072: {
    name: 'rsa3072',
    rank: 1,
    algorithm: 'PS256',
    modulusBits: RSA_PROFILE_MODULUS_BITS,
    encryption: { kind: 'rsa-oaep', modulusBits: RSA_PROFILE_MODULUS_BITS },
    requestKey: true,
    legacy: false,
  },
  x25519: {
    name: 'x25519',
    rank: 2,
    algorithm: 'EdDSA',
    encryption: { kind: 'hpke', kem: 'x25519' },
    requestKey: false,
    legacy: false,
  },
  'x-wing': {
    name: 'x-wing',
    rank: 3,
    algorithm: 'EdDSA',
    encryption: { kind: 'hpke', kem: 'x-wing' },
    requestKey: false,
    legacy: false,
  },
}

export function isProfileName(name: unknown): name is ProfileName {
  return typeof name === 'string' && Object.hasOwn(PROFILES, name)
}

/** @throws KeyhavenError `SUITE_REFUSED` on a name that is no profile. */
export function profileOf(name: unknown): Profile {
  if (!isProfileName(name)) throw new KeyhavenError('SUITE_REFUSED', 'the profile is not known')
  return PROFILES[name]
}
