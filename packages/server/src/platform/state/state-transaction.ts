import type { LogPosition, ManifestPosition, RevokedKey } from '../anchor/anchor.ts'
import type { AuditRecord } from '../audit/audit-record.ts'
import type { DbTransaction } from '../database/schema.ts'

/**
 * One transaction. Inside it use only `db` of the transaction: SQLite has one writer, so a query on
 * `state.db` would wait for the transaction that waits for it. The work may run again if the database asks
 * for it (deadlock), so it has no effect outside the database; use `afterCommit` for that.
 */
export interface StateTransaction {
  readonly db: DbTransaction
  /** Milliseconds since the epoch, the same for the whole transaction. */
  readonly now: number
  /** Other processes (and this one) forget what they cached of the application. */
  changed(applicationId: string): void
  /** Runs once, after the commit and after the anchor has advanced, before the caller gets its answer. */
  afterCommit(work: () => void): void
  /** @internal What is written at the end and what the anchor must hold. */
  readonly effects: TransactionEffects
}

/** Collected while a transaction runs. */
export interface TransactionEffects {
  readonly audit: AuditRecord[]
  readonly changed: Set<string>
  readonly revoked: RevokedKey[]
  readonly manifests: ManifestPosition[]
  /** The last position of each log that grew, by application. */
  readonly logs: Map<string, LogPosition>
  /** Master keys used for wrapping in this transaction. */
  readonly masterKeyIds: Set<string>
  readonly afterCommit: (() => void)[]
}
