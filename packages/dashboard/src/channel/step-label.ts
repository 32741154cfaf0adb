import type { UsageWindow } from '../api/usage.ts'

const CLOCK = new Intl.DateTimeFormat(undefined, { timeStyle: 'short' })
const DAY = new Intl.DateTimeFormat(undefined, { month: 'short', day: 'numeric' })
const DAY_AND_CLOCK = new Intl.DateTimeFormat(undefined, {
  month: 'short',
  day: 'numeric',
  hour: 'numeric',
  minute: '2-digit',
})

/** A step of the chart in the reader's time zone, as short as the window allows. */
export function stepLabel(at: string, window: UsageWindow): string {
  const date = new Date(at)
  if (window === '24h') return CLOCK.format(date)
  return window === '7d' ? DAY_AND_CLOCK.format(date) : DAY.format(date)
}
