import type { Jwk } from '@keyhaven/crypto'
import type { EntryKind } from './entry.ts'
import type { ProfileName } from './profile.ts'

/** Who signed an entry. */
export type EntrySigner =
  | { readonly kind: 'device'; readonly device: string }
  | { readonly kind: 'recovery' }
  | { readonly kind: 'authority' }

/** One set of keys of a device: what one `device` entry recorded. Hashes and thumbprints: base64url. */
export interface DeviceRecord {
  /** Hash of the device entry. */
  readonly entry: string
  readonly sequence: number
  readonly issued: number
  readonly name: string
  readonly profile: ProfileName
  readonly signingKey: Jwk
  readonly signingThumbprint: string
  /** The Ed25519 key that signs this device's requests: `requestKey`, or the signing key. */
  readonly requestKey: Jwk
  readonly encryptionKey: Jwk
  readonly encryptionThumbprint: string
  readonly notBefore: number
  readonly expires: number
  /** `expires`, or 7 days after `notBefore` in the HPKE profiles, whichever is first. */
  readonly encryptionExpires: number
  /** Who authorised it: the device itself, or the device that approved it. */
  readonly approvedBy: string
}

export interface DeviceRevocation {
  /** Hash of the revocation entry. */
  readonly entry: string
  readonly sequence: number
  readonly by: EntrySigner
  readonly reason: string
  readonly issued: number
  /** In force from this second on, unless a device objects before. */
  readonly effective: number
}

export type DeviceStatus = 'valid' | 'expired' | 'not-yet-valid' | 'revoked'

export interface DeviceState {
  readonly device: string
  /** The chain it belongs to. */
  readonly chain: number
  /** At {@link UserState.at}, of the newest record. */
  readonly status: DeviceStatus
  /** The newest: the only one whose key counts for new signatures. */
  readonly record: DeviceRecord
  /** Older ones, oldest first: to check what was signed before a renewal. */
  readonly earlier: readonly DeviceRecord[]
  /** Pending or in force: compare `effective`. */
  readonly revocation?: DeviceRevocation
  /** First `issued`. */
  readonly since: number
}

export interface RecoveryState {
  /** Hash of the recovery entry. */
  readonly entry: string
  readonly signingKey: Jwk
  readonly signingThumbprint: string
  readonly backupKey: Jwk
  readonly by: EntrySigner
  readonly issued: number
  /** In force from then on: `issued`, or 24 h later where a device replaces another recovery key. */
  readonly effective: number
  /**
   * Until then a device can object, and the key's own revocations take 24 h: `effective`, but 24 h after
   * `issued` for a first recovery key set while the user has other devices. Otherwise a stolen device could
   * make itself one and shut out the rest at once.
   */
  readonly settled: number
}

/** One line of what happened under a username. */
export interface HistoryItem {
  readonly sequence: number
  readonly chain: number
  readonly kind: EntryKind
  readonly entry: string
  readonly issued: number
  readonly signer: EntrySigner
  /** The device recorded or revoked. */
  readonly device?: string
}

/**
 * What a user's entries amount to. Plain JSON all through; nothing in it but `at`, `status` and `recovery`
 * depends on the time of the look.
 */
export interface UserState {
  readonly application: string
  readonly username: string
  /** -1 before the first entry. */
  readonly chain: number
  /** Of the newest entry; -1 before the first. */
  readonly sequence: number
  /** Hash of the newest entry; null before the first. */
  readonly head: string | null
  /** `issued` of the newest entry: a new entry's may not lie before. */
  readonly issued: number
  /** The time that `status` and `recovery` speak of. */
  readonly at: number
  /** Of the present chain, revoked and expired ones too, in order of their first entry. */
  readonly devices: readonly DeviceState[]
  /** Of chains that a reset ended. */
  readonly former: readonly DeviceState[]
  /** The one in force at `at`. */
  readonly recovery?: RecoveryState
  /** As the entries say, whatever the time: `next` takes over at its `effective` unless a device objects. */
  readonly recoveryKeys: { readonly current?: RecoveryState; readonly next?: RecoveryState }
  /** Thumbprints of every key ever recorded: none is taken twice. */
  readonly usedKeys: readonly string[]
  readonly history: readonly HistoryItem[]
}
