import type { PartnerSignedRequest } from '../../oprf/oprf-wire.ts'
import type { Profile } from '../../profile.ts'
import type { PoolConflict, PoolGeneration } from './pool-store.ts'

/** An event as it came: the signature covers the very bytes. */
export interface SignedEvent {
  /** The JSON, UTF-8. */
  readonly body: Uint8Array
  /** Detached JWS of the issuer over `body`. */
  readonly signature: string
}

export type IdaRecordState = 'active' | 'deactivated' | 'removed'

/** What the IDA knows of a person without opening anything. */
export interface IdaRecord {
  /** Hash or tag of the id. */
  readonly idHash: string
  readonly credentialId: string
  readonly policy: string
  /** Token of the person for the IDA. */
  readonly token: string
  readonly state: IdaRecordState
  readonly issuedAt: number
  /** Milliseconds, or null: never. */
  readonly expiresAt: number | null
  /** Authentications that are left, or null: no limit. */
  readonly transactionsLeft: number | null
  readonly attributes: readonly string[]
}

/** A person who was found by id. Close it: what was derived is overwritten. */
export interface FoundPerson {
  readonly record: IdaRecord
  /**
   * Opens just these attributes; names that the record has not are missing in the answer.
   *
   * @throws KeyhavenError `OPEN_FAILED` if one does not open, whatever the reason.
   */
  open(names: readonly string[]): Promise<ReadonlyMap<string, string>>
  /**
   * Counts one authentication, atomically.
   *
   * @returns false if the record is not active, has expired or has none left.
   */
  use(): Promise<boolean>
  /**
   * Overwrites what was derived. If something was opened, and lies under a pool key of an older generation or an
   * older key of the oblivious PRF, it is encrypted again first.
   */
  close(): Promise<void>
}

export type ImportResult =
  /** Stored now. */
  | 'imported'
  /** It was here. */
  | 'known'
  /** A newer credential of the person is here. */
  | 'older'

/** The IDA's side of the vault, of one application and profile. */
export interface IdaVault {
  readonly profile: Profile
  /**
   * The five steps of the IDA: opens the share, takes the pool key of each group out of it, stores it at its
   * index under K18, and the data as it is.
   *
   * @param share - what datashare gave: encrypted to our certificate (PK8).
   * @throws KeyhavenError `SIGNATURE_INVALID`, `OPEN_FAILED`, `WIRE_MALFORMED`; `CONFLICT` if the index holds
   *   another key: then nothing was stored, and an operator is told.
   */
  importCredential(event: SignedEvent, share: Uint8Array): Promise<ImportResult>
  /**
   * Activates, deactivates or removes a person.
   *
   * @throws KeyhavenError `SIGNATURE_INVALID`, `WIRE_MALFORMED`.
   * @returns false for somebody who is not here.
   */
  applyStatus(event: SignedEvent): Promise<boolean>
  /**
   * Finds a person by UIN, VID or handle. In profile `keyhaven` it asks the oblivious PRF, and takes as long
   * for somebody unknown.
   *
   * @throws KeyhavenError `RATE_LIMITED`, `ACCESS_DENIED`, `UPSTREAM_FAILED` of the oblivious PRF.
   */
  find(id: string, request?: PartnerSignedRequest): Promise<FoundPerson | undefined>
  /**
   * Does for nobody what opening attributes does: the same queries, derivations and decryptions, so that an
   * unknown id costs what a known one does.
   */
  pretend(attributes: readonly PretendedAttribute[]): Promise<void>
  /** {@link find}, open, close. @throws KeyhavenError `NOT_FOUND` */
  openAttributes(
    id: string,
    names: readonly string[],
    request?: PartnerSignedRequest,
  ): Promise<ReadonlyMap<string, string>>
  status(): Promise<IdaVaultStatus>
  conflicts(page: { readonly after?: string; readonly limit: number }): Promise<readonly PoolConflict[]>
  closeConflict(id: string, actor: string, reason: string): Promise<boolean>
}

export interface PretendedAttribute {
  readonly name: string
  /** How long its text would be. */
  readonly bytes: number
}

export interface IdaVaultStatus {
  readonly profile: Profile
  readonly generations: readonly PoolGeneration[]
  readonly records: number
  /** Records whose attributes are under a pool key of a generation that is not the newest here. */
  readonly recordsOfOldGenerations: number
  readonly openConflicts: number
}
