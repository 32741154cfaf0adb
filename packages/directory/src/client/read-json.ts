import { fromBase64url, KeyhavenError } from '@keyhaven/crypto'

/** Members of a JSON object that came from the server: nothing is believed to have a type. */
export class JsonMembers {
  readonly #value: Readonly<Record<string, unknown>>

  /** @throws KeyhavenError `WIRE_MALFORMED` on anything but an object. */
  constructor(value: unknown) {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) throw malformed()
    this.#value = value as Record<string, unknown>
  }

  has(name: string): boolean {
    return this.#value[name] !== undefined
  }

  text(name: string, maxCharacters: number): string {
    const value = this.#value[name]
    if (typeof value !== 'string') throw malformed()
    if (value.length > maxCharacters) throw new KeyhavenError('WIRE_TOO_LARGE', `member ${name}`)
    return value
  }

  /** A whole number from 0 (or `min`) on. */
  integer(name: string, min = 0): number {
    const value = this.#value[name]
    if (!Number.isSafeInteger(value) || (value as number) < min) throw malformed()
    return value as number
  }

  /** base64url of exactly so many bytes. */
  bytes(name: string, length: number): Uint8Array<ArrayBuffer> {
    return decode(this.#value[name], length)
  }

  /** A list of hashes, each of `length` bytes. */
  byteList(name: string, length: number, max: number): Uint8Array[] {
    return this.list(name, max).map((item) => decode(item, length))
  }

  list(name: string, max: number): readonly unknown[] {
    const value = this.#value[name]
    if (!Array.isArray(value)) throw malformed()
    if (value.length > max) throw new KeyhavenError('WIRE_TOO_LARGE', `member ${name}`)
    return value
  }

  object(name: string): JsonMembers {
    return new JsonMembers(this.#value[name])
  }

  entries(max: number): ReadonlyArray<readonly [string, unknown]> {
    const entries = Object.entries(this.#value)
    if (entries.length > max) throw new KeyhavenError('WIRE_TOO_LARGE', 'members')
    return entries
  }
}

function decode(value: unknown, length: number): Uint8Array<ArrayBuffer> {
  if (typeof value !== 'string' || value.length > Math.ceil((length * 4) / 3)) throw malformed()
  const bytes = fromBase64url(value)
  if (bytes.length !== length) throw malformed()
  return bytes
}

function malformed(): KeyhavenError {
  return new KeyhavenError('WIRE_MALFORMED', 'the directory gave an answer that cannot be read')
}
