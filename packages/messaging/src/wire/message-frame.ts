import { fromUtf8, KeyhavenError, Reader, toBase64url, utf8 } from '@keyhaven/crypto'
import { SESSION_ID_BYTES } from './limits.ts'

export const FRAME_VERSION = 1
/** Session ids acknowledged in one message. */
export const MAX_ACKNOWLEDGEMENTS = 255
/** Of a checkpoint's note with its cosignatures. */
export const MAX_CHECKPOINT_BYTES = 8_192

const FLAG_TEXT = 0x01
const FLAG_CHECKPOINT = 0x02
const FLAG_MESSAGE_KEYS = 0x04
const KNOWN_FLAGS = FLAG_TEXT | FLAG_CHECKPOINT | FLAG_MESSAGE_KEYS
const FIXED_BYTES = 1 + 1 + 8 + 1
const TWO_TO_THE_32 = 0x1_0000_0000
const NOTHING = new Uint8Array(0)

/** What is encrypted. */
export interface MessageFrame {
  readonly kind: 'text' | 'bytes' | 'message-keys'
  /** Milliseconds since epoch, by the sender's clock. */
  readonly sentAt: number
  /** Sessions of the recipient whose negotiation the sender has, 16 bytes each. */
  readonly acknowledged: readonly Uint8Array[]
  /** The sender's newest checkpoint of the log, a signed note. */
  readonly checkpoint: string | undefined
  readonly body: Uint8Array
}

/**
 * version u8 = 1 | flags u8: 1 text, 2 checkpoint, 4 message keys | sent at u64, milliseconds |
 * acknowledged sessions: u8 count, 16 bytes each | checkpoint, if flagged: u16 length, UTF-8 | body: the rest
 */
export function encodeFrame(frame: MessageFrame): Uint8Array {
  const note = frame.checkpoint === undefined ? NOTHING : utf8(frame.checkpoint)
  if (note.length > MAX_CHECKPOINT_BYTES) throw new TypeError('checkpoint too long')
  if (frame.acknowledged.length > MAX_ACKNOWLEDGEMENTS) throw new TypeError('too many acknowledgements')
  const noteBytes = frame.checkpoint === undefined ? 0 : 2 + note.length
  const head = FIXED_BYTES + frame.acknowledged.length * SESSION_ID_BYTES + noteBytes
  const bytes = new Uint8Array(head + frame.body.length)
  const view = new DataView(bytes.buffer)
  bytes[0] = FRAME_VERSION
  bytes[1] =
    (frame.kind === 'text' ? FLAG_TEXT : 0) |
    (frame.kind === 'message-keys' ? FLAG_MESSAGE_KEYS : 0) |
    (frame.checkpoint === undefined ? 0 : FLAG_CHECKPOINT)
  view.setUint32(2, Math.floor(frame.sentAt / TWO_TO_THE_32))
  view.setUint32(6, frame.sentAt % TWO_TO_THE_32)
  bytes[10] = frame.acknowledged.length
  let at = FIXED_BYTES
  for (const session of frame.acknowledged) {
    bytes.set(session, at)
    at += SESSION_ID_BYTES
  }
  if (frame.checkpoint !== undefined) {
    view.setUint16(at, note.length)
    bytes.set(note, at + 2)
  }
  bytes.set(frame.body, head)
  return bytes
}

/** @throws KeyhavenError `WIRE_MALFORMED`, `WIRE_TOO_LARGE` */
export function decodeFrame(bytes: Uint8Array): MessageFrame {
  const reader = new Reader(bytes)
  if (reader.u8() !== FRAME_VERSION) throw new KeyhavenError('WIRE_MALFORMED', 'frame version')
  const flags = reader.u8()
  if ((flags & ~KNOWN_FLAGS) !== 0 || (flags & FLAG_TEXT && flags & FLAG_MESSAGE_KEYS)) {
    throw new KeyhavenError('WIRE_MALFORMED', 'frame flags')
  }
  const sentAt = reader.u64()
  const count = reader.u8()
  const acknowledged: Uint8Array[] = []
  for (let index = 0; index < count; index++) acknowledged.push(reader.bytes(SESSION_ID_BYTES))
  const checkpoint = flags & FLAG_CHECKPOINT ? fromUtf8(reader.bytes16(MAX_CHECKPOINT_BYTES)) : undefined
  const kind = flags & FLAG_MESSAGE_KEYS ? 'message-keys' : flags & FLAG_TEXT ? 'text' : 'bytes'
  return { kind, sentAt, acknowledged, checkpoint, body: reader.bytes(reader.remaining) }
}

export const acknowledgedIds = (frame: MessageFrame): string[] => frame.acknowledged.map(toBase64url)
