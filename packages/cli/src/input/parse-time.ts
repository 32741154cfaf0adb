import { usageError } from '../command-error.ts'

const UNIT_MS = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000, w: 604_800_000 } as const
const RELATIVE = /^\+(\d{1,6})([smhdw])$/
const ISO = /^\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}(:\d{2}(\.\d{1,3})?)?(Z|[+-]\d{2}:\d{2}))?$/

/**
 * Reads a point in time: ISO 8601 with a zone (`2026-12-01T08:00:00Z`), a date (midnight UTC), or from now on
 * (`+30m`, `+2h`, `+7d`).
 *
 * @param now - milliseconds since the epoch.
 * @returns ISO 8601 in UTC.
 */
export function parseTime(option: string, text: string, now: number): string {
  const relative = RELATIVE.exec(text)
  if (relative !== null) {
    return new Date(now + Number(relative[1]) * UNIT_MS[relative[2] as keyof typeof UNIT_MS]).toISOString()
  }
  const time = ISO.test(text) ? Date.parse(text) : Number.NaN
  if (Number.isNaN(time)) {
    throw usageError(
      `${option}: "${text}" is not a time`,
      'Write it like 2026-12-01T08:00:00Z, 2026-12-01, or from now on: +30m, +2h, +7d.',
    )
  }
  return new Date(time).toISOString()
}

/** Reads a whole number within limits, for options. */
export function parseWhole(option: string, text: string, minimum: number, maximum: number): number {
  const value = /^\d{1,15}$/.test(text) ? Number(text) : Number.NaN
  if (!(value >= minimum && value <= maximum)) {
    throw usageError(
      `${option}: "${text}" is not allowed`,
      `Give a whole number from ${minimum} to ${maximum}.`,
    )
  }
  return value
}
