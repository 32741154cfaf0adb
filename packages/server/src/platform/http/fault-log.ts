import { KeyhavenError } from '@keyhaven/crypto'
import type { Logger } from '../log/logger.ts'

/** One line of a fault in this time: whoever can meet it can meet it a thousand times a second. */
const FAULT_LOG_MS = 60_000
/** Routes are few; only an error whose name varies could make more. */
const MAX_FAULTS = 1_000

/**
 * Logs a fault that a request met, once a minute for each code and route, with how many were left out since.
 */
export type FaultLog = (error: unknown, route: string) => void

/** @param monotonic - milliseconds. */
export function createFaultLog(logger: Logger, monotonic = () => performance.now()): FaultLog {
  const faults = new Map<string, { readonly at: number; suppressed: number }>()
  return (error, route) => {
    const name = error instanceof KeyhavenError ? error.code : error instanceof Error ? error.name : ''
    const fault = `${name} ${route}`
    const now = monotonic()
    const last = faults.get(fault)
    if (last !== undefined && now - last.at < FAULT_LOG_MS) {
      last.suppressed += 1
      return
    }
    const suppressed = last?.suppressed ?? 0
    logger.error({ err: error, route, ...(suppressed > 0 && { suppressed }) }, 'request failed')
    if (last === undefined && faults.size >= MAX_FAULTS) faults.delete(faults.keys().next().value!)
    faults.set(fault, { at: now, suppressed: 0 })
  }
}
