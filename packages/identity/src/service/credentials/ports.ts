import type { CryptoBackend } from '@keyhaven/crypto'
import type { CbeffRecord } from '../../biometrics/bir.ts'
import type { Recipient, SessionKeyOpener } from '../../mosip/session-key.ts'
import type { EncodedCredentialEvent } from '../../vault/credential-event.ts'
import type { Datashare } from '../datashare/datashare.ts'
import type { PartnerDecisions } from '../partners/partner-decisions.ts'
import type { IssuerVault } from '../vault/issuer-vault.ts'
import type { CredentialStatus, IdType } from './credential-service.ts'

/** A person's data as the ID repository has it. */
export interface CredentialPerson {
  readonly identity: Readonly<Record<string, unknown>>
  /** By the identity's attribute, `individualBiometrics`. */
  readonly biometrics: Readonly<Record<string, CbeffRecord>>
}

/** An order as it is kept, with how far it is. */
export interface StoredCredential extends CredentialStatus {
  /** The order's JSON: layout C under K7.5. */
  readonly sealedOrder: Uint8Array
  readonly eventId: string | null
  /** The oldest generation of pool keys that it was sealed under; null without one. */
  readonly generation: number | null
  readonly oprfKey: number | null
}

export interface CredentialEventToPublish {
  readonly partnerId: string
  readonly topic: string
  readonly event: EncodedCredentialEvent
}

/** Port of the database, of one application. `tx`: in that transaction, else in one of its own. */
export type NewCredential = Pick<
  StoredCredential,
  'requestId' | 'partner' | 'policyId' | 'credentialType' | 'sealedOrder'
>

export interface CredentialStore<Tx> {
  /**
   * Keeps the order and plans its issue.
   *
   * @param again - plans it once more if it is not issued and nobody is at it.
   * @returns false if the request id is taken: nothing was done.
   */
  insert(order: NewCredential, tx?: Tx, again?: boolean): Promise<boolean>
  /** {@link insert} of several, in one transaction. */
  insertAll(orders: readonly NewCredential[], again: boolean): Promise<void>
  find(requestId: string): Promise<StoredCredential | undefined>
  /**
   * Marks it issued and publishes the event, in one transaction.
   *
   * @returns the credential as it is now: another one's, if that was first.
   */
  issued(
    requestId: string,
    result: Required<Pick<StoredCredential, 'generation' | 'oprfKey'>> & {
      readonly credentialId: string
      readonly dataShareUri: string
    },
    publish: CredentialEventToPublish,
  ): Promise<StoredCredential>
  /**
   * Keeps another share of what is issued, with the event that tells of it, in one transaction.
   *
   * @throws KeyhavenError `NOT_FOUND` if it was issued once more since the event that was told.
   */
  sharedAgain(
    told: { readonly id: string; readonly transactionId: string },
    result: Required<Pick<StoredCredential, 'generation' | 'oprfKey'>> & {
      readonly credentialId: string
      readonly dataShareUri: string
      readonly eventId: string
    },
    tell: (tx: Tx) => Promise<void>,
  ): Promise<void>
  /** Notes why it could not be issued; `final`: it will not be tried again by itself. */
  failed(requestId: string, failure: string, final: boolean): Promise<void>
  publish(event: CredentialEventToPublish, tx?: Tx): Promise<void>
  /**
   * Orders again up to `limit` issued credentials for IDAs that lie under an older generation, or an older key
   * of the oblivious PRF; in one transaction with their jobs.
   */
  renew(
    newest: { readonly generation: number; readonly oprfKey: number | null },
    limit: number,
  ): Promise<number>
  renewal(newest: {
    readonly generation: number
    readonly oprfKey: number | null
  }): Promise<{ readonly done: number; readonly left: number }>
}

export interface CredentialServiceOptions<Tx> {
  readonly backend: CryptoBackend
  /** Issuer's name in a credential. */
  readonly issuer: string
  readonly vault: IssuerVault
  readonly store: CredentialStore<Tx>
  readonly decisions: PartnerDecisions
  readonly datashare: Pick<Datashare, 'create' | 'filter'>
  /** @throws KeyhavenError `NOT_FOUND` for somebody unknown, `ACCESS_DENIED` for somebody blocked. */
  readonly person: (id: string, idType: IdType) => Promise<CredentialPerson>
  /** The person's token for a partner. */
  readonly token: (id: string, partner: string) => Promise<string>
  /** Detached JWS with the issuer's key (KERNEL/SIGN). */
  readonly sign: (payload: Uint8Array) => Promise<string>
  /** K7.5, ID_REPO/credential_request. */
  readonly orderRecipient: () => Promise<Recipient>
  readonly orderOpener: SessionKeyOpener
  readonly clock: () => number
  readonly newId: () => string
}
