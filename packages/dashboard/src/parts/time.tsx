const FORMAT = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'short' })

interface TimeProps {
  /** ISO 8601, or null for "not yet". */
  readonly at: string | null | undefined
  readonly absent?: string
}

/** A moment in the reader's time zone; the exact ISO 8601 time shows on hover. */
export function Time({ at, absent = '–' }: TimeProps) {
  if (at === null || at === undefined) return <span>{absent}</span>
  return (
    <time dateTime={at} title={at}>
      {formatTime(at)}
    </time>
  )
}

export function formatTime(at: string): string {
  return FORMAT.format(new Date(at))
}
