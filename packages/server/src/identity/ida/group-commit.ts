import { setImmediate } from 'node:timers/promises'

/** At most so many in one transaction: it holds up whoever else writes. */
const MAX_GROUP = 64
/** A turn takes no time when there is nothing else to do, and brings more items when there is much. */
const TURNS = 4

/**
 * Writes what comes in a few turns of the event loop, or while a transaction runs, together in one: a disk that needs
 * a millisecond for a commit bounds the time of a call, and no longer the number of calls. SQLite works while the
 * event loop stands, so that nothing would come during its transactions.
 *
 * @param write - one transaction; its answers are in the order of the items.
 */
export function createGroupCommit<Item, Answer>(
  write: (items: readonly Item[]) => Promise<readonly Answer[]>,
): (item: Item) => Promise<Answer> {
  const waiting: { item: Item; resolve: (answer: Answer) => void; reject: (error: unknown) => void }[] = []
  let running = false

  async function run(): Promise<void> {
    running = true
    while (waiting.length > 0) {
      for (let turn = 0; turn < TURNS && waiting.length < MAX_GROUP; turn++) await setImmediate()
      const group = waiting.splice(0, MAX_GROUP)
      try {
        const answers = await write(group.map(({ item }) => item))
        for (const [at, { resolve }] of group.entries()) resolve(answers[at]!)
      } catch (error) {
        for (const { reject } of group) reject(error)
      }
    }
    running = false
  }

  return (item) =>
    new Promise((resolve, reject) => {
      waiting.push({ item, resolve, reject })
      if (!running) void run()
    })
}
