import { KeyhavenError } from '@keyhaven/crypto'

/**
 * The refusal of a packet, which names the check that failed and never what the packet holds.
 *
 * @param check - such as `signature of the sub-packet id`.
 */
export function packetInvalid(check: string, cause?: unknown): KeyhavenError {
  return new KeyhavenError('PACKET_INVALID', check, cause === undefined ? undefined : { cause })
}

/**
 * Runs a reader of something inside a packet; what it refuses as malformed or too large is a failed check.
 *
 * @throws KeyhavenError `PACKET_INVALID`, and other codes as they come.
 */
export function checked<T>(check: string, read: () => T): T {
  try {
    return read()
  } catch (error) {
    if (
      error instanceof KeyhavenError &&
      error.code !== 'WIRE_MALFORMED' &&
      error.code !== 'WIRE_TOO_LARGE'
    ) {
      throw error
    }
    throw packetInvalid(check, error)
  }
}
