import type {
  ApiKey,
  Authority,
  Licence,
  Partner,
  PartnerCertificate,
  Policy,
  PolicyGroup,
  PolicyVersion,
  Subscription,
} from './partner-records.ts'

/** One kind of record of one application, by id. */
export interface Records<T extends { readonly id: string }> {
  get(id: string): Promise<T | undefined>
  /**
   * By id.
   *
   * @param equal - only those that have these values.
   * @param page.after - only ids behind it. @param page.limit - default: all.
   */
  list(
    equal: Partial<T>,
    page?: { readonly after?: string | undefined; readonly limit?: number },
  ): Promise<T[]>
}

/** The same inside a transaction. */
export interface WritableRecords<T extends { readonly id: string }> extends Records<T> {
  /** Adds it, or replaces the one of its id. */
  put(record: T): Promise<void>
}

interface PartnerTableRecords {
  readonly groups: PolicyGroup
  readonly policies: Policy
  readonly policyVersions: PolicyVersion
  readonly partners: Partner
  readonly authorities: Authority
  readonly certificates: PartnerCertificate
  readonly subscriptions: Subscription
  readonly apiKeys: ApiKey
  readonly licences: Licence
}

export type PartnerReads = {
  readonly [Name in keyof PartnerTableRecords]: Records<PartnerTableRecords[Name]>
}

/** What happened, for the audit log: no personal data, no key. */
export interface IdentityAuditEntry {
  /** `token:…`, `oidc:…`, `system`, `partner:ID`. */
  readonly actor: string
  readonly action: string
  readonly subject: string
  readonly detail?: Readonly<Record<string, string | number | boolean | null>>
}

/** One transaction: all of it happens, or nothing. @typeParam Tx - the server's own. */
export type PartnerTransaction<Tx = unknown> = {
  readonly [Name in keyof PartnerTableRecords]: WritableRecords<PartnerTableRecords[Name]>
} & {
  /** Milliseconds, the same for the whole transaction. */
  readonly now: number
  /** To publish events, or enqueue jobs, with what is done here. */
  readonly outer: Tx
  audit(entry: IdentityAuditEntry): void
}

/** Partners and policies of one application. */
export interface PartnerStore<Tx = unknown> {
  /** What is committed now. */
  readonly reads: PartnerReads
  /**
   * May run again if the database asks for it: no effects elsewhere. Changes of one application wait for each
   * other.
   */
  transaction<T>(work: (transaction: PartnerTransaction<Tx>) => Promise<T>): Promise<T>
}
