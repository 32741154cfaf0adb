import type { KeyService, KeyWrapper } from '@keyhaven/keys'
import type { KeyCache } from '../../keys/key-cache.ts'
import type { Anchor, ManifestPosition, RevokedKey } from '../anchor/anchor.ts'
import type { AuditLog, AuditRecord } from '../audit/audit-log.ts'
import type { Config } from '../config/config.ts'
import type { Db, DbTransaction, Dialect } from '../database/schema.ts'
import type { ManifestPositions } from './manifest-positions.ts'
import type { StateChanges } from './state-changes.ts'

/**
 * One transaction. Inside it use only `db` of the transaction: SQLite has one writer, so a query on `state.db` would
 * wait for the transaction that waits for it. The work may run again if the database asks for it (deadlock), so it has
 * no effect outside the database; use `afterCommit` for that.
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
  /** Master keys used for wrapping in this transaction. */
  readonly masterKeyIds: Set<string>
  readonly afterCommit: (() => void)[]
}

/** The server's state: database, keys, audit log, anchor. One for each process. */
export interface State {
  readonly config: Config
  readonly db: Db
  readonly dialect: Dialect
  readonly wrapper: KeyWrapper
  readonly audit: AuditLog
  readonly anchor: Anchor
  readonly keys: KeyService<StateTransaction>
  /** Live keys with their private parts, in memory, bounded. What the gateway asks on each call. */
  readonly keyCache: KeyCache
  readonly manifests: ManifestPositions
  readonly changes: StateChanges
  /**
   * Milliseconds of the last restore or recovery, 0 if none. Replay entries are not in a backup: a replay store must
   * refuse requests dated before it.
   */
  readonly restoredAt: number
  /**
   * Runs `work`, appends its audit entries, raises the version, commits, advances the anchor, then answers.
   * @throws KeyhavenError `STORE_UNAVAILABLE` if the database or the anchor cannot be written; what `work` throws.
   */
  transaction<T>(work: (transaction: StateTransaction) => Promise<T>): Promise<T>
  close(): Promise<void>
}

export interface OpenStateOptions {
  /** Milliseconds since the epoch. */
  readonly clock?: () => number
  /** Applications whose keys stay in memory, default 10,000. */
  readonly cachedApplications?: number
  /** Activate and end keys when they are due (default true). Exactly one process of an installation needs it. */
  readonly schedule?: boolean
  /** Gets what happens in the background: a failed poll, a failed tick. */
  readonly onError?: (error: unknown) => void
}
