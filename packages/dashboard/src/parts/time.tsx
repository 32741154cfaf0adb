const DAY = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium' })
const CLOCK = new Intl.DateTimeFormat(undefined, { timeStyle: 'short' })

interface TimeProps {
  /** ISO 8601, or null for "not yet". */
  readonly at: string | null | undefined
  readonly absent?: string
  /** A word that stays with the day, such as "until". */
  readonly before?: string
}

/** A moment in the reader's time zone; the exact ISO 8601 time shows on hover. */
export function Time({ at, absent = '–', before }: TimeProps) {
  if (at === null || at === undefined) return <span>{absent}</span>
  const date = new Date(at)
  // In a narrow cell it breaks between day and clock, nowhere else.
  return (
    <time dateTime={at} title={at}>
      <span className="kh-nowrap">
        {before === undefined ? '' : `${before} `}
        {DAY.format(date)},
      </span>{' '}
      <span className="kh-nowrap">{CLOCK.format(date)}</span>
    </time>
  )
}
