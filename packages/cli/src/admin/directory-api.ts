// What the admin API answers about directories, as far as the commands show it. Times are ISO 8601.

/** The profiles that a device can have, the strongest first. */
export const PROFILE_NAMES = ['x-wing', 'x25519', 'rsa3072', 'rsa1024-legacy'] as const
export type ProfileName = (typeof PROFILE_NAMES)[number]

export interface DirectoryDevice {
  readonly username: string
  /** 16 random bytes, base64url. */
  readonly device: string
  /** Chain that it belongs to. */
  readonly chain: number
  /** What the user called it. */
  readonly name: string
  readonly profile: ProfileName
  readonly state: 'pending' | 'valid' | 'expired' | 'revoked'
  readonly notBefore: string
  readonly expiresAt: string
  /** From when it is revoked, or its chain reset. */
  readonly endedAt: string | null
}

export interface DirectoryUser {
  readonly username: string
  /** Counts resets, from 0. */
  readonly chain: number
  /** Number of the newest entry, over all chains. */
  readonly sequence: number
  /** Devices that are valid now. */
  readonly devices: number
  /** Who vouched at sign-up: `token`, or `oidc:` and the issuer. */
  readonly signUp: string
  readonly createdAt: string
  readonly changedAt: string
}

/** One link of a user's chain. */
export interface ChainEntry {
  readonly sequence: number
  readonly chain: number
  readonly kind: 'device' | 'revocation' | 'objection' | 'recovery' | 'reset'
  /** Compact JWS: what the link says. */
  readonly entry: string
  /** SHA-256 of it, base64url. */
  readonly hash: string
  readonly acceptedAt: string
  /** Place of its leaf in the log. */
  readonly index: number
  readonly signer: { readonly kind: 'device' | 'recovery' | 'authority'; readonly device?: string }
  /** Device that it is about. */
  readonly device: string | null
  readonly reason: string | null
  /** From when a revocation or a recovery key counts. */
  readonly effectiveAt: string | null
  /** Hash of the revocation that an objection voids. */
  readonly objectsTo: string | null
}

export interface DirectoryUserDetails extends Omit<DirectoryUser, 'devices'> {
  readonly devices: readonly DirectoryDevice[]
  readonly entries: readonly ChainEntry[]
}

export interface SignUpToken {
  readonly id: string
  readonly username: string
  /** The only profile that it admits; null: any that the server allows. */
  readonly profile: ProfileName | null
  readonly createdAt: string
  readonly createdBy: string
  readonly expiresAt: string
  readonly usedAt: string | null
  /** Only in the answer to its creation. */
  readonly token?: string
}

export interface DirectoryLog {
  readonly origin: string
  /** C2SP verifier key. */
  readonly verifierKey: string
  readonly size: number
  /** Base64. */
  readonly root: string
  /** Signed note. */
  readonly checkpoint: string
  readonly at: string
  readonly witnesses: ReadonlyArray<{ readonly name: string; readonly lastCosignedAt: string | null }>
}

export interface LogVerdict {
  readonly valid: boolean
  readonly size: number
  readonly root: string
  readonly at: string
}
