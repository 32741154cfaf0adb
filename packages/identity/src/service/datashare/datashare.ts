import type { CbeffRecord } from '../../biometrics/bir.ts'
import type { FilteredData } from '../../policy/filter-attributes.ts'
import type { DataSharePolicy } from '../../policy/policy-document.ts'

export interface ShareToCreate {
  readonly policyId: string
  /** Partner who will read it. */
  readonly subscriberId: string
  readonly data: Uint8Array
  /** In the signature; default `data`. */
  readonly filename?: string
  /** Who creates it, for the audit log. */
  readonly actor: string
}

/** As MOSIP answers it (durian, DataShareDto). */
export interface CreatedShare {
  readonly url: string
  readonly validForInMinutes: number
  /** {@link UNLIMITED_READS}: any number. */
  readonly transactionsAllowed: number
  readonly policyId: string
  readonly subscriberId: string
}

export interface ShareReader {
  /** Who reads, for the audit log and for what counts as one read: `partner:ID`, `oidc:…`, `token:…`. */
  readonly actor: string
  /** Whom the caller may read for; undefined: a service, which may for every partner. */
  readonly organisation?: string
  /**
   * Header `keyhaven-partner-proof`: profile `keyhaven` reads nothing without it, and with it needs no sign-
   * in.
   */
  readonly proof?: { readonly header: string; readonly url: string }
}

export interface ShareToRead {
  readonly policyId: string
  readonly subscriberId: string
  /** The last part of the URL. */
  readonly key: string
  readonly reader: ShareReader
  /** Whether a part is asked for: inside a started read it counts no more. */
  readonly resumes: boolean
}

/** A share that may be read now; {@link ShareStore} has its bytes under {@link object}. */
export interface ReadableShare {
  readonly object: string
  readonly bytes: number
  /** Header `Signature`; empty in profile `keyhaven`, where it lies inside the encryption. */
  readonly signature: string
}

/** Data given to a partner as an address that works for so many reads and minutes. */
export interface Datashare {
  /**
   * @throws KeyhavenError `POLICY_REFUSED`, `CERTIFICATE_INVALID` (see {@link PartnerDecisions}),
   *   `INPUT_INVALID` for no data, `STORE_UNAVAILABLE`.
   */
  create(share: ShareToCreate): Promise<CreatedShare>
  /** What of a person's data a policy lets out. */
  filter(
    policy: DataSharePolicy,
    identity: Readonly<Record<string, unknown>>,
    biometrics: Readonly<Record<string, CbeffRecord>>,
  ): Promise<FilteredData>
  /**
   * Counts the read and checks partner, certificate, policy, subscription and end, in one atomic update.
   *
   * @throws KeyhavenError `NOT_FOUND`, `ACCESS_DENIED` (another's share), `SHARE_SPENT`, `POLICY_REFUSED`,
   *   `CERTIFICATE_INVALID`, `REPLAYED`.
   */
  read(share: ShareToRead): Promise<ReadableShare>
  /** Whether the share at this address can be read once more: it has not expired, is not used up, and so on. */
  isReadable(url: string): Promise<boolean>
  /** Ends a share at once. @throws KeyhavenError `NOT_FOUND`. */
  revoke(id: string, actor: string): Promise<void>
  /** Deletes the objects of shares that have ended. @returns how many. */
  tidy(onError: (error: unknown) => void): Promise<number>
}
