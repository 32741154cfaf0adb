import type { PartnerSignedRequest } from '../../oprf/oprf-wire.ts'
import type { IdaStore, StoredIdaRecord } from './ida-store.ts'

/** One way in which a person may be stored: by a salt's hash, or a version of the oblivious PRF. */
export interface IdaLookUp {
  readonly idHash: string
  /** 0 in profile `mosip`. */
  readonly oprfKey: number
  /** Opens one attribute of the record. @throws KeyhavenError `OPEN_FAILED`. */
  open(record: StoredIdaRecord, name: string, value: string): Promise<Uint8Array>
  /** Encrypts an attribute again. */
  seal(
    record: StoredIdaRecord,
    name: string,
    plaintext: Uint8Array,
    key: { readonly index: number; readonly poolKey: Uint8Array },
  ): Promise<string>
  /** Overwrites what was derived. */
  close(): void
}

/** What differs between the profiles at the IDA. */
export interface IdaProfile {
  /** Newest first; all of them in the same time, whoever is found. */
  lookUps(
    id: string,
    request: PartnerSignedRequest | undefined,
    store: IdaStore,
  ): Promise<readonly IdaLookUp[]>
  /** One under which nobody is stored, to open what it has sealed itself. */
  decoy(): IdaLookUp
  /** A look-up by a newer key than `known`, which is the newest that was used; undefined: there is none. */
  newest(
    id: string,
    known: IdaLookUp,
    request: PartnerSignedRequest | undefined,
  ): Promise<IdaLookUp | undefined>
}
