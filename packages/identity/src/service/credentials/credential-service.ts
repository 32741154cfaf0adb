import type { CredentialTopic, EncodedCredentialEvent } from '../../vault/credential-event.ts'

export const ID_TYPES = ['UIN', 'VID', 'HANDLE'] as const
export type IdType = (typeof ID_TYPES)[number]
/** The type of a credential for an IDA: the only one that is zero-knowledge encrypted. */
export const AUTH_CREDENTIAL = 'auth'

/** That a partner shall get a person's data. */
export interface CredentialOrder {
  /** Chosen by whoever asks: the same again does nothing. */
  readonly requestId: string
  readonly id: string
  readonly idType: IdType
  /** Partner id. */
  readonly partner: string
  readonly policyId: string
  /** `auth` for an IDA; `print`, `abis`, `resident` … are shared in clear inside the share. */
  readonly credentialType: string
  /** Milliseconds, or absent: never. */
  readonly expiresAt?: number
  /** Authentications allowed, or absent: no limit. */
  readonly transactionLimit?: number
}

export type CredentialState = 'NEW' | 'ISSUED' | 'FAILED'

export interface CredentialStatus {
  readonly requestId: string
  readonly partner: string
  readonly policyId: string
  readonly credentialType: string
  readonly state: CredentialState
  /** Error code and message of the last attempt, null if there was none. */
  readonly failure: string | null
  readonly credentialId: string | null
  readonly dataShareUri: string | null
  readonly requestedAt: number
  readonly issuedAt: number | null
}

export interface IssuedCredential {
  readonly credentialId: string
  readonly eventId: string
  readonly dataShareUri: string
  /** False: it had been issued before. */
  readonly fresh: boolean
}

/** @typeParam Tx - the server's transaction, so that a request is made together with what asks for it. */
export interface CredentialService<Tx> {
  /**
   * Keeps the order, sealed under K7.5, and plans its issue. The same request id again: nothing.
   *
   * @param options - `again`: one that failed is tried once more.
   */
  request(order: CredentialOrder, transaction?: Tx, options?: { readonly again: boolean }): Promise<void>
  /** {@link request} of several, in one transaction: a page of many people. */
  requestAll(orders: readonly CredentialOrder[], options: { readonly again: boolean }): Promise<void>
  status(requestId: string): Promise<CredentialStatus | undefined>
  /**
   * Issues what was ordered: the seven steps, once in effect however often it is called or cut.
   *
   * @throws KeyhavenError `NOT_FOUND`, `POLICY_REFUSED`, `CERTIFICATE_INVALID` …: the order stays.
   */
  issue(requestId: string): Promise<IssuedCredential>
  /**
   * Makes the credential of an event again, for the share that the event names ended before its partner had it.
   *
   * @param tell - puts the event that tells of the new one in place of the other, in the transaction that keeps it.
   * @throws KeyhavenError what {@link issue} throws; `NOT_FOUND` too if the credential was issued once more since.
   */
  shareAgain(
    told: { readonly id: string; readonly transactionId: string; readonly timestamp: string },
    tell: (transaction: Tx, event: EncodedCredentialEvent) => Promise<void>,
  ): Promise<void>
  /** Tells an IDA that a person's credential is active, deactivated or removed. */
  announce(
    change: {
      readonly topic: Exclude<CredentialTopic, 'CREDENTIAL_ISSUED'>
      readonly id: string
      readonly partner: string
      readonly requestId: string
    },
    transaction?: Tx,
  ): Promise<void>
  /**
   * Orders again, newly encrypted, every credential whose pool keys are of an older generation.
   *
   * @returns how many were planned by this call; a run that was cut goes on where it was.
   */
  reencrypt(limit: number): Promise<number>
  /** Credentials for IDAs by whether their pool keys are of the newest generation. */
  reencryption(): Promise<{ readonly done: number; readonly left: number }>
}
