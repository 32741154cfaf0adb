import type { KeyService, KeyWrapper } from '@keyhaven/keys'
import type { KeyCache } from '../../keys/key-cache.ts'
import type { Anchor } from '../anchor/anchor.ts'
import type { AuditLog } from '../audit/audit-log.ts'
import type { Config } from '../config/config.ts'
import type { Db, Dialect } from '../database/schema.ts'
import type { ManifestPositions } from './manifest-positions.ts'
import type { StateChanges } from './state-changes.ts'
import type { StateTransaction } from './state-transaction.ts'

export type { StateTransaction, TransactionEffects } from './state-transaction.ts'

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
   * Milliseconds, 0 if there was no restore or recovery. Replay entries are not in a backup: a replay store
   * must refuse requests dated before it.
   */
  readonly restoredAt: number
  /**
   * Runs `work`, appends its audit entries, raises the version, commits, advances the anchor, then answers.
   * @throws KeyhavenError `STORE_UNAVAILABLE` if the database or the anchor cannot be written; what `work`
   *   throws.
   */
  transaction<T>(work: (transaction: StateTransaction) => Promise<T>): Promise<T>
  close(): Promise<void>
}

export interface OpenStateOptions {
  /** Milliseconds since the epoch. */
  readonly clock?: () => number
  /** Applications whose keys stay in memory, default 10,000. */
  readonly cachedApplications?: number
  /**
   * Activate and end keys when they are due (default true). Exactly one process of an installation needs it.
   */
  readonly schedule?: boolean
  /** Gets what happens in the background: a failed poll, a failed tick. */
  readonly onError?: (error: unknown) => void
}
