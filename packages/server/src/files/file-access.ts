import type { Caller } from '@keyhaven/directory/service'

/** What a permission is asked about. */
export interface FileFacts {
  /** 16 random bytes, base64url. */
  readonly id: string
  readonly conversation: string
  /**
   * Sequence of the conversation's membership when the file was begun: who may read it goes by that, as of a
   * key.
   */
  readonly membership: number
  /** Milliseconds since the epoch. */
  readonly createdAt: number
  readonly by: Caller
}

/**
 * What the conversations decide about files. Each call throws KeyhavenError `NOT_FOUND` for a stranger,
 * whatever exists, and `ACCESS_DENIED` with its reason for whoever is or was a member.
 */
export interface FileAccess {
  /** Whether the caller may write in the conversation now. @returns the membership's sequence. */
  mayCreate(applicationId: string, caller: Caller, conversation: string): Promise<{ membership: number }>
  /** As for a key made when the file was begun. @returns the rule that allows it. */
  mayRead(applicationId: string, caller: Caller, file: FileFacts): Promise<{ rule: string }>
  /** Whether the caller may delete a finished file: an owner or admin. */
  mayDelete(applicationId: string, caller: Caller, file: FileFacts): Promise<void>
  /** Leaves the receipt of a read, after asking again; it is durable when this returns. */
  recordRead(applicationId: string, caller: Caller, file: FileFacts): Promise<void>
  /** Days after which the conversation's files go, as its rule says now; null: they stay. */
  retentionDays(applicationId: string, conversation: string): Promise<number | null>
}
