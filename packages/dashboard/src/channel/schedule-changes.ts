import type { E2eKey, KeySchedule } from '../api/e2e-keys.ts'
import { isoToMoment, momentToIso } from '../parts/local-moment.ts'

/**
 * Only what the form changed: a date the server keeps to the millisecond is not cut to the minute by the way.
 */
export function scheduleChanges(key: E2eKey, activate: string, end: string): KeySchedule {
  return {
    ...(key.state === 'pending' && activate !== isoToMoment(key.activateAt)
      ? { activateAt: momentToIso(activate) ?? null }
      : {}),
    ...(end === isoToMoment(key.endAt) ? {} : { endAt: momentToIso(end) ?? null }),
  }
}
