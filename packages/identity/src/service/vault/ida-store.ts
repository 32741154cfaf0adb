import type { IdaRecordState } from './ida-vault.ts'
import type { PoolStore, StoredPoolKey } from './pool-store.ts'

/** A person's credential at the IDA, as it is kept: everything but the attributes. */
export interface StoredIdaRecord {
  /** Hash or tag of the id: the key of the table. */
  readonly idHash: string
  readonly credentialId: string
  /** Partner id of this IDA. */
  readonly partner: string
  /** Profile `keyhaven`; empty in the other. */
  readonly policy: string
  readonly token: string
  readonly state: IdaRecordState
  /** Milliseconds: when the credential was issued, and when the state was last set. */
  readonly issuedAt: number
  readonly stateAt: number
  readonly expiresAt: number | null
  readonly transactionsLeft: number | null
  /** The oldest generation of pool keys that an attribute lies under. */
  readonly generation: number
  /** Version of the key of the oblivious PRF; 0 in profile `mosip`. */
  readonly oprfKey: number
  /** Rises with every change of the attributes. */
  readonly revision: number
}

export interface StoredAttribute {
  readonly name: string
  /** As it came: Base64url of the profile's layout, or the plain value. */
  readonly value: string
  /** Whether it is zero-knowledge encrypted. */
  readonly sealed: boolean
}

/** What one event brings, stored whole or not at all. */
export interface IdaImport {
  readonly eventId: string
  readonly keys: readonly StoredPoolKey[]
  readonly salt?: { readonly modulo: number; readonly salt: string }
  readonly record: Omit<StoredIdaRecord, 'state' | 'stateAt' | 'revision'>
  readonly attributes: readonly StoredAttribute[]
}

export type IdaImported =
  | { readonly result: 'imported' | 'known' | 'older' }
  | { readonly result: 'key-conflict'; readonly stored: StoredPoolKey; readonly came: StoredPoolKey }
  | { readonly result: 'salt-conflict'; readonly modulo: number }

/** Port of the IDA's database, of one application and profile. Each call is one transaction. */
export interface IdaStore extends PoolStore {
  /**
   * Stores keys, salt and record together. A key whose number holds another one stores nothing, and is
   * reported.
   */
  import(credential: IdaImport): Promise<IdaImported>
  find(idHash: string): Promise<StoredIdaRecord | undefined>
  attributeNames(idHash: string): Promise<readonly string[]>
  /** @param names - undefined: all. */
  attributes(idHash: string, names?: readonly string[]): Promise<readonly StoredAttribute[]>
  /** Counts one transaction. @returns false if the record is not active, has expired or has none left. */
  use(idHash: string, now: number): Promise<boolean>
  /**
   * A removed record loses its attributes. An end is kept also of somebody who is not here: a credential that was
   * being made then, and comes later, is no way round it.
   *
   * @param oprfKey - of the event; 0 in profile `mosip`.
   * @returns false if there is none, or a newer state.
   */
  setState(idHash: string, state: IdaRecordState, at: number, oprfKey: number): Promise<boolean>
  /**
   * Puts re-encrypted attributes in the place of all, and the record under its new hash.
   *
   * @returns false if the record has changed since `revision`, or is not there.
   */
  replace(
    idHash: string,
    revision: number,
    change: {
      readonly idHash: string
      readonly generation: number
      readonly oprfKey: number
      readonly attributes: readonly StoredAttribute[]
    },
  ): Promise<boolean>
  salt(modulo: number): Promise<string | undefined>
  /** Versions of the oblivious PRF's key that records are under, newest first. */
  oprfKeys(): Promise<readonly number[]>
  /** @returns all records that are not removed, and those of an older generation than `generation`. */
  counts(generation: number): Promise<{ readonly records: number; readonly older: number }>
}
