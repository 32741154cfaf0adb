import { KeyhavenError } from '@keyhaven/crypto'

/** What became of one item of a batch. */
export type Outcome<Result> = { readonly value: Result } | { readonly error: unknown }

export interface GroupCommitOptions<Item, Result> {
  /** Most items of one batch. */
  readonly maxItems: number
  /** One transaction for all; in the order of the items. It throws only if nothing of it happened. */
  readonly runBatch: (items: readonly Item[]) => Promise<readonly Outcome<Result>[]>
  /** One turn of the event loop: what has arrived meanwhile is in the batch. @defaultValue a microtask */
  readonly soon?: (start: () => void) => void
}

/**
 * So long a batch waits at most while in each turn more comes in: a commit costs as much as several calls.
 */
const MAX_GATHER_MS = 25
/** So many turns without anything new, and it begins: a call may take a turn or two to get here. */
const IDLE_TURNS = 2

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
 * One durable commit costs the same for one call as for hundreds: while one batch commits, the next collects.
 * An item that makes the whole transaction fail is found by halving, and fails alone.
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

  const turn = (): Promise<void> => new Promise((resolve) => soon(resolve))

  /** Waits while calls keep coming. Whoever was just answered and asks again is in the next batch, too. */
  async function gather(): Promise<void> {
    const until = performance.now() + MAX_GATHER_MS
    for (let idle = 0; idle < IDLE_TURNS; idle++) {
      const before = waiting.length
      await turn()
      if (waiting.length >= maxItems || performance.now() > until) return
      if (waiting.length > before) idle = -1
    }
  }

  async function runAll(): Promise<void> {
    for (;;) {
      await gather()
      if (waiting.length === 0) break
      const batch = waiting.slice(0, maxItems)
      waiting = waiting.slice(maxItems)
      await run(batch)
    }
    running = false
  }

  return {
    submit(item) {
      return new Promise<Result>((resolve, reject) => {
        waiting.push({ item, resolve, reject })
        if (running) return
        running = true
        void runAll()
      })
    },
  }
}
