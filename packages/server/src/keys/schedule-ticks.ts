import type { KeyService } from '@keyhaven/keys'
import type { StateTransaction } from '../platform/state/state.ts'
import type { StateChanges } from '../platform/state/state-changes.ts'

/** Looked at this often even without news, for instance when the clock was set. */
const RECHECK_AFTER_MS = 30_000
/** After a failure. */
const RETRY_AFTER_MS = 1_000
const MIN_WAIT_MS = 10

/**
 * Activates and ends keys when they are due. Several processes may do so at once: each key's step happens
 * once.
 *
 * @returns stops, after the tick that is running.
 */
export function scheduleTicks(
  keys: Pick<KeyService<StateTransaction>, 'tick' | 'nextDue'>,
  changes: Pick<StateChanges, 'onChange'>,
  clock: () => number,
  onError: (error: unknown) => void,
): () => Promise<void> {
  let stopped = false
  let stale = false
  let timer: NodeJS.Timeout | undefined
  let running: Promise<void> | undefined

  const run = async (): Promise<void> => {
    let wait = RETRY_AFTER_MS
    try {
      do {
        stale = false
        await keys.tick()
        const next = await keys.nextDue()
        wait =
          next === undefined
            ? RECHECK_AFTER_MS
            : Math.min(RECHECK_AFTER_MS, Math.max(MIN_WAIT_MS, next - clock()))
      } while (stale && !stopped)
    } catch (error) {
      if (!stopped) onError(error)
    }
    if (!stopped) timer = setTimeout(start, wait).unref()
  }

  const start = (): void => {
    clearTimeout(timer)
    running ??= run().finally(() => {
      running = undefined
    })
  }

  const stopListening = changes.onChange(() => {
    stale = true
    start()
  })
  start()
  return async () => {
    stopped = true
    stopListening()
    clearTimeout(timer)
    await running
  }
}
