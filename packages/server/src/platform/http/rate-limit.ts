export interface RateLimit {
  /** How many calls a caller may make at once. */
  readonly burst: number
  /** How many calls come back per minute. */
  readonly perMinute: number
  /** How many callers are remembered; beyond it the oldest are forgotten. */
  readonly maxCallers?: number
}

export interface RateLimiter {
  /** Takes one call of `caller`. @returns seconds to wait, or 0 if it may go on. */
  take(caller: string): number
  /** Seconds to wait before a call would go on; takes nothing. */
  wait(caller: string): number
}

const DEFAULT_MAX_CALLERS = 10_000
const MS_PER_MINUTE = 60_000

/** A token bucket per caller, in memory of this process, of bounded size. */
export function createRateLimiter(limit: RateLimit, clock: () => number = Date.now): RateLimiter {
  const buckets = new Map<string, { tokens: number; at: number }>()
  const maxCallers = limit.maxCallers ?? DEFAULT_MAX_CALLERS

  function fill(caller: string): { tokens: number; at: number } {
    const now = clock()
    const bucket = buckets.get(caller) ?? { tokens: limit.burst, at: now }
    const gained = ((now - bucket.at) * limit.perMinute) / MS_PER_MINUTE
    return { tokens: Math.min(limit.burst, bucket.tokens + Math.max(0, gained)), at: now }
  }

  function secondsUntilOne(tokens: number): number {
    return tokens >= 1 ? 0 : Math.ceil(((1 - tokens) * MS_PER_MINUTE) / limit.perMinute / 1_000)
  }

  return {
    take(caller) {
      const bucket = fill(caller)
      const wait = secondsUntilOne(bucket.tokens)
      // Re-inserted so that the map's order is the order of last use.
      buckets.delete(caller)
      buckets.set(caller, wait === 0 ? { tokens: bucket.tokens - 1, at: bucket.at } : bucket)
      if (buckets.size > maxCallers) buckets.delete(buckets.keys().next().value!)
      return wait
    },
    wait: (caller) => secondsUntilOne(fill(caller).tokens),
  }
}
