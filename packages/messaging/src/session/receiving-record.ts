import { KeyhavenError, Reader, Writer } from '@keyhaven/crypto'
import type { ProfileName } from '../directory-port.ts'
import { SKIP_WINDOW } from '../wire/limits.ts'
import { CHAIN_KEY_BYTES } from './ratchet.ts'

export const SESSION_PREFIX = 'session/'
export const CHAIN_PREFIX = 'chain/'
export const ENDED_PREFIX = 'ended/'
const RECORD_VERSION = 1
const SKIPPED_BYTES = 4 + 32
const FIXED_BYTES = 1 + CHAIN_KEY_BYTES + 4 + 2

/** Who sends in a session, fixed when it was negotiated. JSON at `session/<id>`. */
export interface ReceivingSession {
  readonly username: string
  readonly device: string
  /** Number of the sender's chain: a reset ends the session. */
  readonly chain: number
  readonly profile: ProfileName
  /** Seconds since epoch. */
  readonly issued: number
  /** Some of its messages may have been read by keys sent again. */
  readonly repaired: boolean
}

/** Where a receiving chain stands. At `chain/<session id>`. */
export interface ReceivingChain {
  readonly chainKey: Uint8Array
  /** Number of the message that {@link chainKey} leads to. */
  readonly next: number
  /** Keys of messages that are late, oldest first; at most {@link SKIP_WINDOW}. */
  readonly skipped: ReadonlyMap<number, Uint8Array>
}

/** version u8 = 1 | chain key 32 bytes | next u32 | skipped: u16 count, each n u32, message key 32 bytes */
export function encodeReceivingChain({ chainKey, next, skipped }: ReceivingChain): Uint8Array {
  const writer = new Writer(FIXED_BYTES + skipped.size * SKIPPED_BYTES)
    .u8(RECORD_VERSION)
    .bytes(chainKey)
    .u32(next)
    .u16(skipped.size)
  for (const [n, messageKey] of skipped) writer.u32(n).bytes(messageKey)
  return writer.done()
}

/** @throws KeyhavenError `WIRE_MALFORMED` */
export function decodeReceivingChain(bytes: Uint8Array): ReceivingChain {
  const reader = new Reader(bytes)
  if (reader.u8() !== RECORD_VERSION) throw new KeyhavenError('WIRE_MALFORMED', 'chain record version')
  const chainKey = reader.bytes(CHAIN_KEY_BYTES).slice()
  const next = reader.u32()
  const count = reader.u16()
  if (count > SKIP_WINDOW) throw new KeyhavenError('WIRE_TOO_LARGE', 'chain record')
  const skipped = new Map<number, Uint8Array>()
  for (let index = 0; index < count; index++) skipped.set(reader.u32(), reader.bytes(32).slice())
  reader.end()
  return { chainKey, next, skipped }
}
