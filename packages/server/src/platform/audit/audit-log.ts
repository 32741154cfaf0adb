import type { Actor } from '@keyhaven/keys'
import type { StateTransaction } from '../state/state-transaction.ts'
import type { AuditDetail, AuditRecord } from './audit-record.ts'

export type { AuditDetail, AuditRecord, AuditValue } from './audit-record.ts'

export interface AuditEntry {
  readonly sequence: number
  /** Milliseconds since the epoch. */
  readonly at: number
  readonly actor: Actor
  readonly action: string
  readonly applicationId: string | null
  readonly subject: string | null
  readonly detail: AuditDetail
  /** Hex, 32 bytes. */
  readonly hash: string
}

export interface AuditFilter {
  readonly action?: string
  readonly actor?: string
  readonly applicationId?: string
  /** Milliseconds, inclusive. */
  readonly from?: number
  /** Milliseconds, exclusive. */
  readonly to?: number
}

export interface AuditPage {
  readonly items: readonly AuditEntry[]
  readonly nextCursor: string | null
}

export interface AuditVerdict {
  readonly valid: boolean
  readonly entries: number
  readonly head: { readonly sequence: number; readonly hash: string }
  /** The first sequence at which the chain does not hold. */
  readonly brokenAt?: number
  /** In words, what does not hold. */
  readonly reason?: string
}

export interface AuditVerifyOptions {
  readonly onProgress?: (done: number, total: number) => void
  readonly signal?: AbortSignal
}

/** Hash-chained log of who did what. */
export interface AuditLog {
  /** Written with the transaction, at its end: the entry exists if and only if the change does. */
  append(transaction: StateTransaction, record: AuditRecord): void
  /**
   * Newest first.
   *
   * @param page.limit - 1 to 500, default 50.
   * @throws KeyhavenError `INPUT_INVALID` on a bad cursor.
   */
  list(filter: AuditFilter, page?: { cursor?: string; limit?: number }): Promise<AuditPage>
  /** Names of all actions that occur. */
  actions(): Promise<readonly string[]>
  /** Recomputes every hash, in bounded memory. */
  verify(options?: AuditVerifyOptions): Promise<AuditVerdict>
}
