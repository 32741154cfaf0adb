import type { CryptoBackend } from '@keyhaven/crypto'
import type { Batch } from './batch.ts'
import type { ConversationStates } from './conversation-states.ts'
import type { ConversationDirectory, ConversationStore, ConversationTransaction, KeyVault } from './ports.ts'

/** Something to do in the next transaction together with others. */
export interface Work {
  /** What it changes: locked before anything is read. */
  readonly locks: readonly {
    readonly application: string
    readonly conversation?: string
    readonly key?: string
  }[]
  /**
   * Refuses (KeyhavenError) before it writes anything, or throws `Undo`.
   *
   * @returns what makes the answer, once all is committed.
   */
  run(tx: ConversationTransaction, batch: Batch): Promise<() => unknown>
}

/** What every call of the service works with. */
export interface ServiceContext {
  readonly backend: CryptoBackend
  readonly store: ConversationStore
  readonly vault: KeyVault
  readonly directory: ConversationDirectory
  /** Milliseconds since the epoch. */
  readonly clock: () => number
  readonly states: ConversationStates
  /** Why two operators may be one person; undefined: they are two. */
  readonly whyOneOperator?: ((one: string, other: string) => Promise<string | undefined>) | undefined
  /** In the next transaction. */
  commit<T>(work: {
    readonly locks: Work['locks']
    run(tx: ConversationTransaction, batch: Batch): Promise<() => T>
  }): Promise<T>
}

const MS_PER_SECOND = 1_000

export function secondsOf(ms: number): number {
  return Math.floor(ms / MS_PER_SECOND)
}
