import { KeyhavenError } from './error.ts'

/** @throws KeyhavenError `WIRE_MALFORMED`: the bytes came from outside. */
export function requireLength(bytes: Uint8Array, length: number, what: string): void {
  if (bytes.length !== length) {
    throw new KeyhavenError('WIRE_MALFORMED', `${what} must be ${length} bytes, not ${bytes.length}`)
  }
}

/** @throws TypeError: our own caller gave them. */
export function requireArgumentLength(bytes: Uint8Array, length: number, what: string): void {
  if (bytes.length !== length) throw new TypeError(`${what} must be ${length} bytes, not ${bytes.length}`)
}
