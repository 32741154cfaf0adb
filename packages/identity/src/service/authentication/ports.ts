import type { AuthKind, OtpChannel } from '../../authentication/auth-messages.ts'
import type { AuthoritiesUpdate, PartnerUpdate } from '../../authentication/partner-update.ts'

/** What is asked before a request may run. */
export interface RequestMarks {
  /** Hashes that must be new, 32 bytes each; they are kept until {@link expiresAt}. */
  readonly marks: readonly Uint8Array[]
  /** Milliseconds since the epoch. */
  readonly expiresAt: number
  /** Whose failures count: see {@link AuthenticationEnd.failed}. */
  readonly subjects: readonly string[]
}

export interface RequestStart {
  /** False: one of the marks was there, and none was added. */
  readonly fresh: boolean
  /** Failures within the present window, for each subject. */
  readonly failures: readonly number[]
}

/** One request that was decided. No id of a person, ever. */
export interface AuthenticationEnd {
  /** UUID. */
  readonly id: string
  readonly kind: AuthKind
  /** `partner:ID`, or the token of internal use. */
  readonly actor: string
  readonly result: 'yes' | 'no' | 'refused'
  /** `demo`, `bio`, `otp`. */
  readonly types: readonly string[]
  /** MOSIP's codes. */
  readonly errors: readonly string[]
  /** The token that was given; null without success. */
  readonly token: string | null
  /** Whose count of failures rises. */
  readonly failed: readonly string[]
}

export interface FailureCount {
  readonly subject: string
  readonly failures: number
  /** Milliseconds since the epoch. */
  readonly until: number
}

/** A one-time password that was sent: its keyed hash, never itself. */
export interface StoredOtp {
  /** Keyed hash of the person's id. */
  readonly person: string
  readonly transactionId: string
  readonly partnerId: string
  readonly hash: Uint8Array
  /** Milliseconds since the epoch. */
  readonly expiresAt: number
}

/** Keeps what IDA knows of partners and of what was asked, for one application. */
export interface AuthenticationStore {
  partners(): Promise<readonly PartnerUpdate[]>
  authorities(): Promise<AuthoritiesUpdate | undefined>
  /** Tells when partners or authorities have changed, here or in another process. */
  onChange(listener: () => void): void
  /** Awaited before cached partners are used; fails closed. @throws KeyhavenError `STORE_UNAVAILABLE` */
  confirmFresh(): Promise<void> | undefined
  /** Audited. @returns false if what is stored is as new or newer. */
  savePartner(update: PartnerUpdate): Promise<boolean>
  saveAuthorities(update: AuthoritiesUpdate): Promise<boolean>
  /** Durable when it answers; all marks or none. */
  start(request: RequestMarks): Promise<RequestStart>
  /** Durable when it answers, audited. */
  end(request: AuthenticationEnd): Promise<void>
  /** Those who are at or over `limit`, newest window first. */
  limited(limit: number): Promise<readonly FailureCount[]>
  /** Audited. @returns false if there was nothing to forget. */
  unlock(subject: string, actor: string): Promise<boolean>
  /** In place of an earlier one of the same person and transaction. */
  saveOtp(otp: StoredOtp): Promise<void>
  /**
   * Counts an attempt and, if the hash is right, erases the password, in one step.
   *
   * @returns false if there is none, it has expired, its attempts are used up, or the hash is another.
   */
  useOtp(otp: Omit<StoredOtp, 'expiresAt'>, now: number): Promise<boolean>
  /** Forgets what has expired. */
  prune(now: number): Promise<void>
}

/** Carries a one-time password to a person. */
export interface OtpSender {
  readonly channel: OtpChannel
  /** @throws KeyhavenError `UPSTREAM_FAILED` */
  send(message: { readonly to: string; readonly otp: string; readonly validMinutes: number }): Promise<void>
}

/** Keys that only IDA's own process has, 32 bytes each; the caller does not change them. */
export interface AuthenticationSecrets {
  /** Of tokens (PSUT). */
  readonly tokenKey: Uint8Array
  /** Of the names under which failures and one-time passwords are kept. */
  readonly subjectKey: Uint8Array
  /** Seeds of the HPKE keys of profile `keyhaven`. */
  readonly requestKey: Uint8Array
}
