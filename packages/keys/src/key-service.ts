import type { HpkeSuite, KemPrivateKey, SigningKey } from '@keyhaven/crypto'
import type {
  Actor,
  KeyPurpose,
  ManagedE2eKey,
  ManagedKey,
  ManagedSigningKey,
  SigningPurpose,
} from './managed-key.ts'

/** Who asks, why, and inside which transaction. */
export interface By<Tx> {
  readonly actor: Actor
  readonly reason?: string
  /** The caller's own transaction; without it the call opens and commits one. */
  readonly transaction?: Tx
}

export interface AddE2eKey {
  readonly applicationId: string
  readonly suite?: HpkeSuite
  /** Milliseconds since the epoch; default: as soon as every process has the key. */
  readonly activateAt?: number
  readonly endAt?: number
}

export interface KeySchedule {
  readonly activateAt?: number
  /** `null` takes a planned end back. */
  readonly endAt?: number | null
}

/** The life of managed keys: the rules, over the store and the wrapper it is given. */
export interface KeyService<Tx> {
  /**
   * Makes a key pair, wraps it, stores it. The application's first key (or the first after none was active)
   * is active at once, others activate no sooner than {@link MIN_ACTIVATION_DELAY_MS}.
   * @throws KeyhavenError `INPUT_INVALID` (times), `CONFLICT` (too many live keys), `STORE_UNAVAILABLE`.
   */
  addE2eKey(input: AddE2eKey, by: By<Tx>): Promise<ManagedE2eKey>
  /**
   * Active at once; an older active one of the purpose becomes retiring. A spare stays pending, at no planned
   * time, until {@link activateSigningKey}.
   */
  addSigningKey(
    input: { applicationId: string; purpose: SigningPurpose; spare?: boolean },
    by: By<Tx>,
  ): Promise<ManagedSigningKey>
  /**
   * Makes a spare the active key of its purpose. A key that is not pending stays as it is.
   * @throws KeyhavenError `NOT_FOUND`.
   */
  activateSigningKey(applicationId: string, id: string, by: By<Tx>): Promise<ManagedSigningKey>
  /** Newest first. @param transaction - reads as it sees the keys. */
  list(applicationId: string, purpose?: KeyPurpose, transaction?: Tx): Promise<readonly ManagedKey[]>
  listE2eKeys(applicationId: string): Promise<readonly ManagedE2eKey[]>
  /** @param key - the UUID, or the decimal key id of a live end-to-end key. */
  getE2eKey(applicationId: string, key: string): Promise<ManagedE2eKey | undefined>
  /** @throws KeyhavenError `NOT_FOUND`, `CONFLICT` (revoked, already active), `INPUT_INVALID` (times). */
  schedule(applicationId: string, key: string, schedule: KeySchedule, by: By<Tx>): Promise<ManagedE2eKey>
  /**
   * Erases the private part. Revoking a revoked key changes nothing and answers it.
   * @param input.force - also when it is the last key that clients can be given.
   * @throws KeyhavenError `NOT_FOUND`, `CONFLICT` (the last one, without force), `INPUT_INVALID` (no reason).
   */
  revoke(
    applicationId: string,
    key: string,
    input: { reason: string; force?: boolean },
    by: By<Tx>,
  ): Promise<ManagedE2eKey>
  /** The same for a signing key, by its UUID. */
  revokeSigningKey(applicationId: string, id: string, reason: string, by: By<Tx>): Promise<ManagedSigningKey>
  /** Activates and ends what is due. @returns applications that changed. */
  tick(): Promise<number>
  /** When {@link tick} has something to do next (ms since the epoch). */
  nextDue(): Promise<number | undefined>
  /** Unwraps and imports. @throws KeyhavenError `KEY_REVOKED` if the private part is gone. */
  importE2eKey(key: ManagedE2eKey): Promise<KemPrivateKey>
  /** The same for a signing key. */
  importSigningKey(key: ManagedSigningKey): Promise<SigningKey>
  /** The newest active signing key of a purpose, ready to sign. */
  signingKey(
    applicationId: string,
    purpose: SigningPurpose,
    transaction?: Tx,
  ): Promise<{ key: ManagedSigningKey; signingKey: SigningKey } | undefined>
}
