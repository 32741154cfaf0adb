import { BURNED_DATE_MAX_SECONDS, FUTURE_HOLD_MAX_SECONDS, PROCESS_CLOCKS_SECONDS } from './limits.ts'

const MILLISECONDS = 1000

/** What to do with a request of a certain date. */
export type ClockVerdict =
  | {
      readonly verdict: 'accept'
      /** Milliseconds to wait before it may run. */
      readonly holdFor: number
      /** Milliseconds since the epoch. */
      readonly rememberUntil: number
    }
  | {
      readonly verdict: 'past'
      /** Milliseconds since the epoch: since then no gateway would have run it. */
      readonly refusedSince: number
      /** Milliseconds after which a request dated then is accepted. */
      readonly retryAfter: number
    }
  | {
      readonly verdict: 'future'
      /** It can be remembered until then, so that it will not run either when its date has come. */
      readonly rememberUntil: number | undefined
    }

/**
 * Judges the date of a request.
 *
 * With a store in memory (`refusesBefore` > 0) a request runs only once its date has come. A process that
 * starts after it refuses all dates before its own start, so nothing can run a second time.
 *
 * @param date - of the request, milliseconds since the epoch; undefined if it has none.
 * @param now - milliseconds since the epoch.
 */
export function judgeDate(
  date: number | undefined,
  now: number,
  refusesBefore: number,
  windowSeconds: number,
  skewSeconds: number,
): ClockVerdict {
  const window = windowSeconds * MILLISECONDS
  const skew = skewSeconds * MILLISECONDS
  if (date === undefined) return { verdict: 'past', refusedSince: 0, retryAfter: 0 }
  if (date < now - window || date < refusesBefore) {
    // Another process, whose clock is behind, may have run it a little later than this one would.
    const refusedByAll = date + window + PROCESS_CLOCKS_SECONDS * MILLISECONDS
    const tooOldSince = date + window < now ? refusedByAll : Number.POSITIVE_INFINITY
    const beforeStart = date < refusesBefore ? refusesBefore : Number.POSITIVE_INFINITY
    // Dates are whole seconds: one of now may still lie before the start.
    const firstDate = Math.ceil(refusesBefore / MILLISECONDS) * MILLISECONDS
    return {
      verdict: 'past',
      refusedSince: Math.min(tooOldSince, beforeStart),
      retryAfter: Math.max(0, firstDate - now),
    }
  }
  const ahead = date - now
  const volatile = refusesBefore > 0
  const allowed = volatile ? Math.min(skew, FUTURE_HOLD_MAX_SECONDS * MILLISECONDS) : skew
  const rememberUntil = date + window + skew
  if (ahead > allowed) {
    return {
      verdict: 'future',
      rememberUntil: ahead <= BURNED_DATE_MAX_SECONDS * MILLISECONDS ? rememberUntil : undefined,
    }
  }
  return { verdict: 'accept', holdFor: volatile ? Math.max(0, ahead) : 0, rememberUntil }
}
