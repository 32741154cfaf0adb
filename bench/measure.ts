/** One of several ways to do the same work. */
export interface Contestant {
  readonly name: string
  /** Before each slice; its time does not count. */
  prepare?(): unknown
  /** Does the work once. What it returns is awaited only if it is a promise. */
  run(): unknown
}

export interface MeasureOptions {
  /** How many are under way at once: 1 is one by one, each awaited before the next. */
  readonly inFlight: number
  readonly rounds: number
  /** How long each contestant works in each round. */
  readonly sliceMilliseconds: number
  /**
   * `processor`: what a core can do, whoever else has it; all threads of the process count.
   *
   * @defaultValue wall
   */
  readonly clock?: 'wall' | 'processor'
}

const NANOSECONDS_PER_MICROSECOND = 1_000
const NANOSECONDS_PER_MILLISECOND = 1_000_000

/**
 * Microseconds per piece of work, by contestant: the median of the rounds. In each round every contestant
 * works for a short slice, in turn, so that whatever else happens on the machine hits all alike.
 */
export async function measure(
  contestants: readonly Contestant[],
  options: MeasureOptions,
): Promise<Map<string, number>> {
  const results = new Map<string, number[]>(contestants.map(({ name }) => [name, []]))
  // The first round warms up and does not count.
  for (let round = 0; round <= options.rounds; round++) {
    for (const contestant of contestants) {
      const microseconds = await slice(contestant, options)
      if (round > 0) results.get(contestant.name)!.push(microseconds)
    }
  }
  return new Map([...results].map(([name, values]) => [name, median(values)]))
}

async function slice({ prepare, run }: Contestant, options: MeasureOptions): Promise<number> {
  const limit = BigInt(options.sliceMilliseconds * NANOSECONDS_PER_MILLISECOND)
  await prepare?.()
  const processor = process.cpuUsage()
  const start = process.hrtime.bigint()
  let done = 0
  async function worker(): Promise<void> {
    do {
      const result = run()
      // Awaiting a value that is already there would only measure the event loop.
      if (result instanceof Promise) await result
      done++
    } while (process.hrtime.bigint() - start < limit)
  }
  await Promise.all(Array.from({ length: options.inFlight }, worker))
  if (options.clock === 'processor') {
    const { user, system } = process.cpuUsage(processor)
    return (user + system) / done
  }
  return Number(process.hrtime.bigint() - start) / NANOSECONDS_PER_MICROSECOND / done
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  const middle = sorted.length >> 1
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2
}
