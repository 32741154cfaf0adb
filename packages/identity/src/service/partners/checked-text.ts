import { KeyhavenError } from '@keyhaven/crypto'

/** Ids of partners, policies and groups: they stand in paths, topics and key names. */
const ID = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/

/** @throws KeyhavenError `INPUT_INVALID` that names the field. */
export function checkedId(name: string, id: string): string {
  if (!ID.test(id)) {
    throw new KeyhavenError(
      'INPUT_INVALID',
      `${name}: 1 to 64 letters, digits, ".", "_" and "-", first a letter or digit`,
    )
  }
  return id
}

/** Of why somebody did or wants something. */
export const MAX_REASON_CHARS = 500

/** @throws KeyhavenError `INPUT_INVALID` that names the field. */
export function checkedText(name: string, text: string, most: number, least = 1): string {
  const trimmed = text.trim()
  if (trimmed.length < least || trimmed.length > most || /[\p{Cc}]/u.test(trimmed)) {
    throw new KeyhavenError('INPUT_INVALID', `${name}: ${least} to ${most} characters in one line`)
  }
  return trimmed
}
