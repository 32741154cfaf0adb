import type { Awaitable } from '@keyhaven/crypto'

/** One value with the version that a change must name. */
export interface StoredValue {
  readonly value: Uint8Array
  /** 1 for a new key, one more with each put. */
  readonly version: number
}

/** A change of several keys, all or nothing. */
export interface StoreChange {
  /** What the writer believes: the version of each key, `null` for a key that is not there. */
  readonly expect: readonly { readonly key: string; readonly version: number | null }[]
  /** Each key must be named in {@link expect}. */
  readonly put?: readonly { readonly key: string; readonly value: Uint8Array }[]
  /** Each key must be named in {@link expect}. */
  readonly delete?: readonly string[]
  /**
   * The computer's loss of power, never the end of the process, may undo it: whole, and with all that was committed
   * after it. For what can be done again.
   */
  readonly relaxed?: boolean
}

/**
 * Where a device keeps its private keys, receiving chains and archive. Several processes or tabs may share
 * one: every change is compare-and-set. Values are sealed at rest by the store.
 */
export interface MessagingStore {
  get(key: string): Awaitable<StoredValue | undefined>
  /** Keys that start with `prefix`, in code-unit order, after `after` if given, at most `limit`. */
  list(prefix: string, options?: { after?: string; limit?: number }): Awaitable<readonly string[]>
  /** @returns false, and nothing is changed, if an expectation does not hold. Durable once it answers true, unless relaxed. */
  commit(change: StoreChange): Awaitable<boolean>
  /** Every later call of {@link get}, {@link list} and {@link commit} is refused with `STORE_UNAVAILABLE`. */
  close(): Awaitable<void>
}
