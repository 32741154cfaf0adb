import type { CryptoBackend, SigningKey } from '@keyhaven/crypto'
import type { LookUpAnswer } from '../chain/look-up-answer.ts'
import type { ProfileName } from '../chain/profile.ts'
import type { DeviceState, UserState } from '../chain/user-state.ts'
import type {
  Actor,
  DirectoryStore,
  DirectoryTransaction,
  Knows,
  LogAppender,
  NotifyChange,
  Page,
  Paged,
  RateLimits,
  SignUpProof,
  SignUpVerifier,
  StoredEntry,
  StoredUser,
} from './ports.ts'

/**
 * The device whose request signature has been verified, by the record that
 * {@link DirectoryService.findDevice} gave.
 */
export interface Caller {
  readonly username: string
  readonly device: string
}

export interface DirectorySettings {
  /** Profiles that may be recorded. Legacy is not among them unless switched on by name. */
  readonly profiles: readonly ProfileName[]
  /** At most `MAX_RENEWAL_GRACE_SECONDS`. */
  readonly renewalGraceSeconds: number
}

/** The label's secret: ECVRF-EDWARDS25519-SHA512-TAI of `@keyhaven/crypto/vrf`. */
export interface LabelKey {
  /** @returns the proof, 80 bytes. */
  prove(alpha: Uint8Array): Uint8Array
  /** @returns the label, 64 bytes. */
  output(proof: Uint8Array): Uint8Array
}

export interface DirectoryServiceOptions<Tx extends DirectoryTransaction = DirectoryTransaction> {
  readonly application: string
  readonly backend: CryptoBackend
  /** Of this application only. */
  readonly store: DirectoryStore<Tx>
  readonly log: LogAppender<Tx>
  /** Ed25519, the one that leaf 0 names. */
  readonly authority: SigningKey
  readonly vrf: LabelKey
  readonly signUp: SignUpVerifier
  readonly limits: RateLimits
  /** Asked when the caller's look-ups are used up. Without it nobody is known. */
  readonly knows?: Knows
  /** Milliseconds since the epoch. */
  readonly clock: () => number
  readonly settings: DirectorySettings
  readonly notify?: NotifyChange
}

/** Answer to an accepted entry. */
export interface Accepted {
  readonly acceptance: string
  /** Hash of the entry. */
  readonly head: string
  /** Of its leaf. */
  readonly index: number
  readonly sequence: number
}

export interface NewSignUpToken {
  readonly id: string
  /** Prefix `khs_`; shown this once, kept as its hash. */
  readonly token: string
  readonly username: string
  readonly profile: ProfileName | null
  readonly expiresAt: number
}

export interface SignUpTokenInfo {
  readonly id: string
  readonly username: string
  readonly profile: ProfileName | null
  readonly createdAt: number
  readonly createdBy: Actor
  readonly expiresAt: number
  readonly usedAt: number | null
}

export interface UserDetail {
  readonly user: StoredUser
  readonly state: UserState
  readonly entries: readonly StoredEntry[]
}

/** The authority of one application. Every refusal is a `KeyhavenError`. */
export interface DirectoryService {
  /** `device` entries: a first one (sign-up proof, no caller), another device's approval, a renewal. */
  register(
    input: { readonly entry: string; readonly signUp?: SignUpProof },
    caller: Caller | undefined,
    /** Key of the rate limit where there is no caller, such as the network address. */
    origin?: string,
  ): Promise<Accepted>
  /** Revocation, objection, recovery. No caller: signed by the recovery key. */
  append(input: { readonly entry: string }, caller: Caller | undefined, origin?: string): Promise<Accepted>
  publishEncryptionKey(input: { readonly statement: string }, caller: Caller): Promise<void>
  lookUp(
    input: { readonly username: string; readonly after?: number; readonly logSize?: number },
    caller: Caller,
  ): Promise<LookUpAnswer>
  /**
   * For the check of request signatures: the device as it is now, by its id alone. An expired one may still
   * call {@link register} for its renewal; a revoked one is told `DEVICE_REVOKED`, and only after its
   * signature verified.
   */
  findDevice(device: string): Promise<{ readonly username: string; readonly device: DeviceState } | undefined>
  reset(input: { readonly username: string; readonly reason: string }, actor: Actor): Promise<Accepted>
  revokeByOperator(
    input: { readonly username: string; readonly device: string; readonly reason: string },
    actor: Actor,
  ): Promise<Accepted>
  issueSignUpToken(
    input: { readonly username: string; readonly expiresAt?: number; readonly profile?: ProfileName },
    actor: Actor,
  ): Promise<NewSignUpToken>
  listSignUpTokens(page: Page): Promise<Paged<SignUpTokenInfo>>
  deleteSignUpToken(id: string, actor: Actor): Promise<void>
  listUsers(page: Page & { readonly query?: string }): Promise<Paged<StoredUser>>
  user(username: string): Promise<UserDetail>
}
