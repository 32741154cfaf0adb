import type { Awaitable, CryptoBackend, ErrorCode, Jwk, SigningKey } from '@keyhaven/crypto'
import type { ChainSigner } from '../chain/chain-signer.ts'
import type { ChainAlgorithm, ProfileName } from '../chain/profile.ts'
import type { HistoryItem, RecoveryState, UserState } from '../chain/user-state.ts'
import type { LogTrustConfiguration } from '../log/log-trust.ts'
import type { RequestParts } from '../request-signature/sign-device-request.ts'
import type { DirectoryClientStore } from './client-store.ts'

/** The channel's `signedFetch`: every request of the directory goes through the seal. */
export type SignedFetch = (
  input: string,
  init: RequestInit | undefined,
  sign: (request: RequestParts) => Awaitable<ReadonlyArray<readonly [string, string]>>,
) => Promise<Response>

/** The device that asks. */
export interface DirectoryIdentity {
  readonly username: string
  /** Device id. */
  readonly device: string
  /** Its newest signing key: signs entries and statements. */
  readonly signer: ChainSigner
  /** Ed25519: signs requests. */
  readonly requestKey: SigningKey
}

/** Keys to be recorded for a device, new or renewed. Store the private parts before they are sent. */
export interface NewDevice {
  /** 16 random bytes, base64url; the same in a renewal. */
  readonly device: string
  /** For people. */
  readonly name: string
  readonly profile: ProfileName
  readonly signer: ChainSigner
  /** Ed25519: signs requests. The signing key itself, or in the RSA profiles a key of its own. */
  readonly requestKey: SigningKey
  /** Public. */
  readonly encryptionKey: Jwk
  /** Seconds since the epoch. @defaultValue now */
  readonly notBefore?: number
  /** Seconds since the epoch. @defaultValue 90 days after `notBefore` */
  readonly expires?: number
}

/** What proves that a first device may take its username. */
export type SignUp = { readonly token: string } | { readonly idToken: string }

export interface DirectoryClientOptions {
  readonly fetch: SignedFetch
  readonly application: string
  /** The log's key and its witnesses, shipped inside the app. */
  readonly trust: LogTrustConfiguration
  readonly store: DirectoryClientStore
  /** Milliseconds since the epoch. @defaultValue `Date.now` */
  readonly clock?: () => number
  /** @defaultValue the backend of this runtime */
  readonly backend?: CryptoBackend
  /** May be set later, with `use`. */
  readonly identity?: DirectoryIdentity
  /** Profiles of others that are good enough. @defaultValue all but `rsa1024-legacy` */
  readonly profiles?: readonly ProfileName[]
  readonly onEvent?: (event: DirectoryEvent) => void
}

/** Something that a person should know. Verified marks of that user drop. */
export interface DirectoryEvent {
  readonly type: 'chain-reset'
  readonly username: string
  /** The new one. */
  readonly chain: number
}

/** A device as a look-up proved it: current, unrevoked, within its times. */
export interface VerifiedDevice {
  readonly device: string
  readonly name: string
  readonly profile: ProfileName
  /** Hash of its newest device entry, base64url. */
  readonly entry: string
  readonly signingKey: { readonly algorithm: ChainAlgorithm; readonly jwk: Jwk }
  readonly encryption: {
    readonly jwk: Jwk
    /** RFC 7638, base64url. */
    readonly thumbprint: string
    /** Seconds since the epoch. */
    readonly expires: number
  }
  /** When its newest entry was issued, seconds since the epoch. */
  readonly since: number
}

/** What a look-up proved. */
export interface VerifiedUser {
  readonly username: string
  /** 0, one more with each reset. */
  readonly chain: number
  /** Of the newest entry, over all chains of the user. */
  readonly sequence: number
  /** Hash of the newest entry, base64url. */
  readonly head: string
  readonly devices: readonly VerifiedDevice[]
  /** Devices that cannot be written to now, and why. */
  readonly refused: ReadonlyArray<{ readonly device: string; readonly code: ErrorCode }>
  readonly recovery?: RecoveryState
  readonly checkpoint: RememberedCheckpoint
}

/** A signing key that a user's chains recorded at some time, for what was signed back then. */
export interface RecordedKey {
  readonly device: string
  readonly entry: string
  readonly chain: number
  readonly signingKey: VerifiedDevice['signingKey']
  /** Seconds since the epoch, these four. */
  readonly issued: number
  readonly expires: number
  /** When the device's next key replaced this one. */
  readonly supersededAt?: number
  /** When the device was revoked, or a reset ended its chain. */
  readonly revokedAt?: number
}

export interface RememberedCheckpoint {
  readonly size: number
  /** base64url. */
  readonly root: string
  /** The signed note, to pass on. */
  readonly note: string
}

/** An entry that the authority accepted, and that was then found in the log. */
export interface AcceptedEntry {
  /** Hash, base64url. */
  readonly entry: string
  readonly sequence: number
  /** In the log. */
  readonly index: number
}

export interface MonitorReport {
  /** All of the log up to here has been looked through. */
  readonly size: number
  /** Entries under the own name that neither this device signed nor the user has acknowledged. */
  readonly unseen: readonly HistoryItem[]
  /** Places in the log that carry the own label, and that the own look-up does not show. */
  readonly hidden: readonly number[]
  /** The same for users looked up before: the directory keeps their newest entries from this device. */
  readonly withheld: ReadonlyArray<{ readonly username: string; readonly index: number }>
}

/** A chain's head that somebody signed, such as the sender of a negotiation. */
export interface ChainPosition {
  readonly sequence: number
  readonly head: string
}

/**
 * A client of the directory that believes nothing it cannot check. All methods throw KeyhavenError; the code says
 * what to do:
 *
 * | code | what it means, what to do |
 * | --- | --- |
 * | `PROOF_INVALID` | the directory did not prove its answer: do not send; report it |
 * | `LOG_INCONSISTENT` | the log forked or shrank: do not send; report it with both checkpoints |
 * | `CHAIN_BROKEN` | a link of the user's chain is missing or forged: do not send; report it |
 * | `RECORD_INVALID` | a record or the authority's answer breaks the rules: do not send; report it |
 * | `DIRECTORY_STALE` | the answer is older than what is known: try again, then report it |
 * | `CHAIN_RESET` | the user lost all devices: ask the user, then `acceptReset` |
 * | `SIGNATURE_INVALID` | the checkpoint is not of the log that the app trusts |
 * | `CLOCK_SKEW` | this device's clock is slow: set it |
 * | `DEVICE_REVOKED` | this device is revoked: register it anew |
 * | `CONFLICT` | other devices changed the chain again and again: try later |
 * | `NOT_FOUND`, `RATE_LIMITED`, `UNAUTHENTICATED` | as they say |
 */
export interface DirectoryClient {
  /** From now on this device asks and signs. */
  use(identity: DirectoryIdentity): void
  /**
   * @param options.atLeast - a position that must be in the chain: else `DIRECTORY_STALE` (older) or `CHAIN_BROKEN`
   *   (another chain).
   */
  lookUp(username: string, options?: { readonly atLeast?: ChainPosition }): Promise<VerifiedUser>
  /** The own user's state, pending revocations and history included. */
  ownChain(): Promise<UserState>
  /** Every signing key of a user that was looked up before, or is looked up now. */
  recordedKeys(username: string): Promise<readonly RecordedKey[]>
  /** The user agreed to the new chain of a contact. @param chain - the one that was shown. */
  acceptReset(username: string, chain: number): Promise<VerifiedUser>
  /** A first device, or the first after a reset. On success the client uses it. */
  register(username: string, device: NewDevice, signUp: SignUp): Promise<AcceptedEntry>
  /** The text that a new device shows, and that a device of the same user approves. */
  requestDevice(username: string, device: NewDevice): Promise<string>
  /** Records another device of the own user. */
  approve(request: string): Promise<AcceptedEntry>
  /** New keys for this device. On success the client uses them. */
  renew(device: NewDevice, options?: RenewalOptions): Promise<AcceptedEntry>
  /** Oneself at once; another device after 24 hours; with the recovery key at once. */
  revoke(device: string, reason: string, recovery?: ChainSigner): Promise<AcceptedEntry>
  /** Voids a pending revocation or replacement of the recovery key. @param entry - its hash. */
  object(entry: string): Promise<AcceptedEntry>
  /** @param recovery - the key in force: then the new one counts at once. */
  setRecovery(
    keys: { readonly signingKey: Jwk; readonly backupKey: Jwk },
    recovery?: ChainSigner,
  ): Promise<AcceptedEntry>
  /** A later encryption key of this device; 7 days. */
  publishEncryptionKey(key: Jwk, times?: { notBefore?: number; expires?: number }): Promise<void>
  /** Looks through every leaf since the last time for the own label, and those of the contacts. */
  monitor(): Promise<MonitorReport>
  /** The user knows the own entries up to this one. */
  acknowledge(sequence: number): Promise<void>
  /** The newest that this client has verified. */
  checkpoint(): Promise<RememberedCheckpoint | undefined>
  /** Somebody else's checkpoint against the own one. @throws `LOG_INCONSISTENT` if the log is not one for both. */
  compareCheckpoint(note: string): Promise<void>
}

export interface RenewalOptions {
  /** Needed to leave the legacy profile. */
  readonly signUp?: SignUp
  /** Of the legacy profile: the old key's SHA-1 signature over the new SubjectPublicKeyInfo, base64url. */
  readonly legacyProof?: string
}
