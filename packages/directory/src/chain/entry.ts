import type { Jwk } from '@keyhaven/crypto'

export const ENTRY_TYP = 'keyhaven-entry+jws'

interface EntryCommon {
  readonly v: 1
  readonly application: string
  readonly username: string
  /** 0, one more with each reset. */
  readonly chain: number
  /** From 0 over all chains of the user; never restarts. */
  readonly sequence: number
  /** Hash of the previous entry's JWS, base64url; null in entry 0. */
  readonly previous: string | null
  /** Seconds since the epoch; never before the previous entry's. */
  readonly issued: number
}

/** Records a device's keys: a first device, another device, or a renewal. */
export interface DeviceEntry extends EntryCommon {
  readonly kind: 'device'
  /** Compact JWS of the device request. */
  readonly request: string
  /**
   * Base64url RSASSA-PKCS1-v1_5 signature with SHA-1 of the old key over the new signing key's
   * SubjectPublicKeyInfo (seed 002, "CA Key Info Renewal", steps 2 to 6); exactly when the old profile is legacy.
   */
  readonly legacyProof?: string
}

export interface RevocationEntry extends EntryCommon {
  readonly kind: 'revocation'
  readonly device: string
  readonly reason: string
  /** `issued`, or 24 h later when another device signs. */
  readonly effective: number
}

export interface ObjectionEntry extends EntryCommon {
  readonly kind: 'objection'
  /** Hash of the pending revocation or recovery entry that it voids. */
  readonly revocation: string
}

export interface RecoveryEntry extends EntryCommon {
  readonly kind: 'recovery'
  /** Ed25519. */
  readonly signingKey: Jwk
  /** X-Wing or X25519. */
  readonly backupKey: Jwk
  /** `issued`, or 24 h later when a device replaces a recovery key. */
  readonly effective: number
}

/** By the authority: ends all devices and the recovery key; a self-signed device follows. */
export interface ResetEntry extends EntryCommon {
  readonly kind: 'reset'
  readonly reason: string
}

/** The payload of an entry: header `{alg, typ: 'keyhaven-entry+jws', kid}`, `kid` the signer's RFC 7638 thumbprint. */
export type Entry = DeviceEntry | RevocationEntry | ObjectionEntry | RecoveryEntry | ResetEntry
export type EntryKind = Entry['kind']
