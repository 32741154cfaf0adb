const DAY_MS = 86_400_000

/** Whole days from `now` until `at`, rounded down; negative once it is over. */
export function daysLeft(at: string, now: number): number {
  return Math.floor((Date.parse(at) - now) / DAY_MS)
}

/** The same in words. */
export function describeDaysLeft(at: string, now: number): string {
  if (Date.parse(at) <= now) return 'Over'
  const days = daysLeft(at, now)
  if (days === 0) return 'Less than a day'
  return days === 1 ? '1 day' : `${days.toLocaleString()} days`
}

/** Below this many days the end is near enough to be marked red, and below the other orange. */
const URGENT_DAYS = 3
const SOON_DAYS = 14

export function urgencyColour(at: string, now: number): string {
  const days = daysLeft(at, now)
  if (days < URGENT_DAYS) return 'red'
  return days < SOON_DAYS ? 'orange' : 'blue'
}
