import { KeyhavenError } from '@keyhaven/crypto'

/**
 * A new key opens at once but is advertised only after this: by then every process has heard of it, for a
 * process that has had no news for one second asks the database.
 */
export const MIN_ACTIVATION_DELAY_MS = 2_000
/** The end of the year 9999, the last that ISO 8601 writes with four digits. */
export const MAX_TIME_MS = 253_402_300_799_999

/**
 * @throws KeyhavenError `INPUT_INVALID` unless it is a whole number of milliseconds between 1970 and 9999.
 */
export function checkTime(name: string, value: number): number {
  if (Number.isSafeInteger(value) && value >= 0 && value <= MAX_TIME_MS) return value
  throw new KeyhavenError('INPUT_INVALID', `${name} must be a time between 1970 and 9999`)
}

/** The time asked for, but never before every process can have the key. */
export function activationTime(createdAt: number, asked: number | undefined): number {
  const earliest = createdAt + MIN_ACTIVATION_DELAY_MS
  return asked === undefined ? earliest : Math.max(earliest, checkTime('activateAt', asked))
}

/** @throws KeyhavenError `INPUT_INVALID` unless the end lies in the future and after the activation. */
export function checkEnd(endAt: number, now: number, activateAt: number | null): number {
  checkTime('endAt', endAt)
  if (endAt <= now)
    throw new KeyhavenError('INPUT_INVALID', 'endAt must be in the future; to end a key now, revoke it')
  if (activateAt !== null && endAt <= activateAt) {
    throw new KeyhavenError('INPUT_INVALID', 'endAt must be later than activateAt')
  }
  return endAt
}
