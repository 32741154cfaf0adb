const UNITS = [
  { name: 'day', seconds: 86_400 },
  { name: 'hour', seconds: 3_600 },
  { name: 'minute', seconds: 60 },
] as const
const MS_PER_SECOND = 1_000

/** A length of time in its largest unit, rounded down: `3 days`. @param seconds - none is negative. */
export function describeSpan(seconds: number): string {
  const unit = UNITS.find((candidate) => seconds >= candidate.seconds)
  if (unit === undefined) return seconds === 1 ? '1 second' : `${seconds.toLocaleString()} seconds`
  const count = Math.floor(seconds / unit.seconds)
  return count === 1 ? `1 ${unit.name}` : `${count.toLocaleString()} ${unit.name}s`
}

/**
 * How old something is, in words.
 *
 * @param at - ISO 8601.
 * @param now - milliseconds since the epoch; the two clocks may differ a little.
 */
export function describeAge(at: string, now: number): string {
  const seconds = Math.floor((now - Date.parse(at)) / MS_PER_SECOND)
  return seconds < 60 ? 'Less than a minute' : describeSpan(seconds)
}
