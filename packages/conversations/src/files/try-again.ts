import { type ErrorCode, KeyhavenError } from '@keyhaven/crypto'

/** In a row, without any progress between. */
const MAX_FAILURES = 8
const FIRST_WAIT_MS = 500
const MAX_WAIT_MS = 30_000

/** The same call may succeed a moment later. */
const PASSING: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'GATEWAY_UNAVAILABLE',
  'OPEN_FAILED',
  'RATE_LIMITED',
  'REPLAYED',
  'RESULT_UNKNOWN',
  'STORE_UNAVAILABLE',
  'UPLOAD_CONFLICT',
])

/** Counts failures in a row, and waits longer after each. */
export interface Patience {
  /**
   * Waits, or throws the error where waiting does not help.
   *
   * @throws KeyhavenError `GATEWAY_UNAVAILABLE` after too many.
   */
  after(error: unknown, signal: AbortSignal | undefined): Promise<void>
  /** Something succeeded. */
  renew(): void
}

export function createPatience(wait: (milliseconds: number) => Promise<void> = pause): Patience {
  let failures = 0
  return {
    async after(error, signal) {
      signal?.throwIfAborted()
      if (error instanceof KeyhavenError && !PASSING.has(error.code)) throw error
      failures++
      if (failures > MAX_FAILURES) throw lasting(error)
      await orAborted(wait(Math.min(FIRST_WAIT_MS * 2 ** (failures - 1), MAX_WAIT_MS)), signal)
    },
    renew() {
      failures = 0
    },
  }
}

/** Rejects as soon as the signal does; the promise itself goes on. */
export async function orAborted<T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  signal?.throwIfAborted()
  if (signal === undefined) return promise
  let stop: () => void = () => {}
  const aborted = new Promise<never>((_, reject) => {
    stop = () => reject(signal.reason)
    signal.addEventListener('abort', stop, { once: true })
  })
  try {
    return await Promise.race([promise, aborted])
  } finally {
    signal.removeEventListener('abort', stop)
  }
}

/**
 * What does not open came so from the way, not from the file: its code must not say anything about the file.
 */
function lasting(error: unknown): unknown {
  if (error instanceof KeyhavenError && error.code !== 'OPEN_FAILED') return error
  return new KeyhavenError(
    'GATEWAY_UNAVAILABLE',
    'the key server could not be reached, several times in a row',
    {
      cause: error,
    },
  )
}

function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds))
}
