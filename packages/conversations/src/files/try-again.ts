import { type ErrorCode, KeyhavenError } from '@keyhaven/crypto'
import type { FileWaiting } from './upload-options.ts'

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

/** Reasons that the server gives beside a code. Of many begun uploads waiting makes no fewer. */
const STORE_FULL = 'store-full'
const UNFINISHED_UPLOADS = 'unfinished-uploads'

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

/** @param onWaiting - told before each wait. */
export function createPatience(
  wait: (milliseconds: number) => Promise<void> = pause,
  onWaiting: (waiting: FileWaiting) => void = () => {},
): Patience {
  let failures = 0
  return {
    async after(error, signal) {
      signal?.throwIfAborted()
      if (error instanceof KeyhavenError && !PASSING.has(error.code)) throw error
      if (reasonOf(error) === UNFINISHED_UPLOADS) throw error
      failures++
      if (failures > MAX_FAILURES) throw lasting(error)
      const milliseconds = Math.min(FIRST_WAIT_MS * 2 ** (failures - 1), MAX_WAIT_MS)
      onWaiting({ reason: waitingReason(error), milliseconds })
      await orAborted(wait(milliseconds), signal)
    },
    renew() {
      failures = 0
    },
  }
}

function waitingReason(error: unknown): FileWaiting['reason'] {
  const code = error instanceof KeyhavenError ? error.code : undefined
  if (code === 'RATE_LIMITED') return 'too-many-calls'
  if (code !== 'STORE_UNAVAILABLE') return 'no-answer'
  return reasonOf(error) === STORE_FULL ? 'store-full' : 'store-unavailable'
}

/** What the server has said beside its code. */
function reasonOf(error: unknown): unknown {
  return (error as { readonly reason?: unknown } | undefined)?.reason
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
