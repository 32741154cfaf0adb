import type { Awaitable, Jwk } from '@keyhaven/crypto'

/** Rank, lowest first: rsa1024-legacy, rsa3072, x25519, x-wing. */
export type ProfileName = 'x-wing' | 'x25519' | 'rsa3072' | 'rsa1024-legacy'

/** JWS algorithms of the profiles (RFC 7518 §3.1, RFC 8037 §3.1). */
export type DeviceAlgorithm = 'EdDSA' | 'PS256' | 'RS256'

export interface DeviceVerifyKey {
  readonly algorithm: DeviceAlgorithm
  /** Public JWK. */
  readonly jwk: Jwk
}

/** What signs for a device: entries, statements, negotiations. */
export interface DeviceSigner extends DeviceVerifyKey {
  sign(data: Uint8Array): Awaitable<Uint8Array>
}

/** A device as a look-up proved it: current, unrevoked, within its times. */
export interface VerifiedDevice {
  readonly device: string
  readonly name: string
  readonly profile: ProfileName
  /** Hash of its newest device entry, base64url. */
  readonly entry: string
  /** The newest. */
  readonly signingKey: DeviceVerifyKey
  readonly encryption: {
    readonly jwk: Jwk
    /** RFC 7638, base64url. */
    readonly thumbprint: string
    /** Seconds since epoch. */
    readonly expires: number
  }
  /** Seconds since epoch: when the newest entry was issued. */
  readonly since: number
}

/** What a look-up of a user proved. */
export interface VerifiedUser {
  readonly username: string
  /** 0, and one more with each reset. */
  readonly chain: number
  /** Of the newest entry, over all chains of the user. */
  readonly sequence: number
  /** Hash of the newest entry, base64url. */
  readonly head: string
  readonly devices: readonly VerifiedDevice[]
  readonly refused: readonly { readonly device: string; readonly code: string }[]
  readonly checkpoint?: { readonly size: number; readonly note: string }
}

/** A signing key that a user's chain recorded at some time, for what was signed back then. */
export interface RecordedKey {
  readonly device: string
  readonly entry: string
  readonly chain: number
  readonly profile: ProfileName
  readonly signingKey: DeviceVerifyKey
  /** Seconds since epoch. */
  readonly issued: number
  readonly expires: number
  /** When the device's next key replaced this one. */
  readonly supersededAt?: number
  /** When the device was revoked, or its chain reset. */
  readonly revokedAt?: number
}

/** The part of the directory's client that messaging needs. */
export interface MessagingDirectory {
  /** @throws KeyhavenError as the directory's client does. */
  lookUp(username: string): Awaitable<VerifiedUser>
  /** Every signing key in a user's chains, the verified chain of {@link lookUp} and those before it. */
  recordedKeys(username: string): Awaitable<readonly RecordedKey[]>
  /** The newest checkpoint that this device remembers. */
  checkpoint(): Awaitable<{ readonly size: number; readonly note: string } | undefined>
  /** @throws KeyhavenError `LOG_INCONSISTENT` if the note and the own checkpoint cannot both be of one log. */
  compareCheckpoint(note: string): Awaitable<void>
}
