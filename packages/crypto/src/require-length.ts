import { KeyhavenError } from './error.ts'
import { SHA256_BYTES } from './suite.ts'

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

/** RFC 5869 §2.3: one byte counts the blocks of HKDF-Expand. */
const MAX_EXPAND_BYTES = 255 * SHA256_BYTES

/** @throws TypeError */
export function requireExpandLength(length: number): void {
  if (!Number.isSafeInteger(length) || length < 0 || length > MAX_EXPAND_BYTES) {
    throw new TypeError(`length must be 0 to ${MAX_EXPAND_BYTES} bytes`)
  }
}

/** RFC 9180 §5.3. @throws TypeError */
export function requireExportLength(length: number): void {
  requireExpandLength(length)
  if (length === 0) throw new TypeError('an export of no bytes')
}
