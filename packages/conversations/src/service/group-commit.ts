import { KeyhavenError } from '@keyhaven/crypto'

/** What became of one item of a batch. */
export type Outcome<Result> = { readonly value: Result } | { readonly error: unknown }

export interface GroupCommitOptions<Item, Result> {
  /** Most items of one batch. */
  readonly maxItems: number
  /** One transaction for all; in the order of the items. It throws only if nothing of it happened. */
  readonly runBatch: (items: readonly Item[]) => Promise<readonly Outcome<Result>[]>
  /** Puts the start of a batch off until what comes at the same time is here. @defaultValue a microtask */
  readonly soon?: (start: () => void) => void
}

/** Collects calls while a transaction is under way, and runs them all in the next one. */
export interface GroupCommit<Item, Result> {
  submit(item: Item): Promise<Result>
}

interface Waiting<Item, Result> {
  readonly item: Item
  readonly resolve: (value: Result) => void
  readonly reject: (error: unknown) => void
}

/**
 * One durable commit costs the same for one call as for hundreds: while one batch commits, the next collects. An item
 * that makes the whole transaction fail is found by halving, and fails alone.
 */
export function createGroupCommit<Item, Result>(
  options: GroupCommitOptions<Item, Result>,
): GroupCommit<Item, Result> {
  const { maxItems, runBatch, soon = queueMicrotask } = options
  let waiting: Waiting<Item, Result>[] = []
  let running = false

  async function run(batch: readonly Waiting<Item, Result>[]): Promise<void> {
    try {
      const outcomes = await runBatch(batch.map(({ item }) => item))
      for (const [at, { resolve, reject }] of batch.entries()) {
        const outcome = outcomes[at]!
        if ('error' in outcome) reject(outcome.error)
        else resolve(outcome.value)
      }
    } catch (error) {
      const all = error instanceof KeyhavenError && error.code === 'STORE_UNAVAILABLE'
      if (batch.length === 1 || all) {
        for (const { reject } of batch) reject(error)
        return
      }
      const half = batch.length >> 1
      await run(batch.slice(0, half))
      await run(batch.slice(half))
    }
  }

  async function runAll(): Promise<void> {
    while (waiting.length > 0) {
      const batch = waiting.slice(0, maxItems)
      waiting = waiting.slice(maxItems)
      await run(batch)
      // Whoever was answered asks again in the same turn: they shall be in the next batch together.
      await new Promise<void>((resolve) => soon(resolve))
    }
    running = false
  }

  return {
    submit(item) {
      return new Promise<Result>((resolve, reject) => {
        waiting.push({ item, resolve, reject })
        if (running) return
        running = true
        soon(() => void runAll())
      })
    },
  }
}
