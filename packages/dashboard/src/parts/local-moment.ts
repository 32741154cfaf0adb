/**
 * What `<input type="datetime-local">` gives, in the reader's time zone, as ISO 8601; undefined if empty or
 * wrong.
 */
export function momentToIso(local: string): string | undefined {
  if (local === '') return undefined
  const time = new Date(local).getTime()
  return Number.isNaN(time) ? undefined : new Date(time).toISOString()
}

/** ISO 8601 as `<input type="datetime-local">` wants it: local time, to the minute. */
export function isoToMoment(iso: string | null): string {
  if (iso === null) return ''
  const date = new Date(iso)
  const local = new Date(date.getTime() - date.getTimezoneOffset() * 60_000)
  return local.toISOString().slice(0, 'YYYY-MM-DDTHH:MM'.length)
}
