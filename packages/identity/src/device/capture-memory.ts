import type { CaptureMemory } from './verify-capture.ts'

/**
 * Remembers transactions in this process; for one that restarts within the lifetime of a capture, keep them in
 * a store.
 *
 * @param now - milliseconds since the epoch.
 */
export function createCaptureMemory(now: () => number): CaptureMemory {
  const used = new Map<string, number>()
  return {
    use(transactionId, until) {
      for (const [known, end] of used) if (end < now()) used.delete(known)
      if (used.has(transactionId)) return false
      used.set(transactionId, until)
      return true
    },
  }
}
