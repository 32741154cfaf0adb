import { KeyhavenError } from '@keyhaven/crypto'

/** As long as any name or id that a page ends with. */
const MAX_TEXT_CHARACTERS = 512

/** What a part of a cursor is: text without NUL, which PostgreSQL takes nowhere, or a whole number from 0. */
type PartKind = 'text' | 'number'
type Parts<Kinds extends readonly PartKind[]> = {
  readonly [At in keyof Kinds]: Kinds[At] extends 'text' ? string : number
}

/** Where a page ended, opaque to the caller. */
export function encodeCursor(parts: ReadonlyArray<string | number>): string {
  return Buffer.from(JSON.stringify(parts)).toString('base64url')
}

/** @throws KeyhavenError `INPUT_INVALID` unless it is what {@link encodeCursor} makes of such parts. */
export function decodeCursor<const Kinds extends readonly PartKind[]>(
  cursor: string,
  ...kinds: Kinds
): Parts<Kinds> {
  try {
    const value: unknown = JSON.parse(Buffer.from(cursor, 'base64url').toString())
    const fits =
      Array.isArray(value) &&
      value.length === kinds.length &&
      value.every((part, at) => isPart(part, kinds[at]!)) &&
      encodeCursor(value) === cursor
    if (fits) return value as unknown as Parts<Kinds>
  } catch {
    // Answered below, as any other cursor that we did not make.
  }
  throw new KeyhavenError('INPUT_INVALID', 'cursor: take nextCursor of the page before')
}

function isPart(part: unknown, kind: PartKind): boolean {
  if (kind === 'number') return Number.isSafeInteger(part) && (part as number) >= 0
  return typeof part === 'string' && part.length <= MAX_TEXT_CHARACTERS && !part.includes('\0')
}
