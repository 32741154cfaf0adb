import { KeyhavenError } from '@keyhaven/crypto'

const MAX_PARTS = 4

/** Where a page ended, opaque to the caller. */
export function encodeCursor(parts: ReadonlyArray<string | number>): string {
  return Buffer.from(JSON.stringify(parts)).toString('base64url')
}

/** @throws KeyhavenError `INPUT_INVALID` unless it is a cursor of as many parts. */
export function decodeCursor(cursor: string, parts: number): ReadonlyArray<string | number> {
  try {
    const value: unknown = JSON.parse(Buffer.from(cursor, 'base64url').toString())
    const fits =
      Array.isArray(value) &&
      parts <= MAX_PARTS &&
      value.length === parts &&
      value.every((part) => typeof part === 'string' || Number.isSafeInteger(part))
    if (fits) return value as ReadonlyArray<string | number>
  } catch {
    // Answered below, as any other cursor that we did not make.
  }
  throw new KeyhavenError('INPUT_INVALID', 'cursor: take nextCursor of the page before')
}
