import { KeyhavenError } from '@keyhaven/crypto'

const TWO_TO_THE_32 = 0x1_0000_0000
const VARINT_PREFIX_SHIFT = 6
const VARINT_FIRST_BYTE_MASK = 0x3f
/** So many bytes are made text at once, since a call for each field costs more than the text. */
const TEXT_WINDOW_BYTES = 2048
/** Less is not worth it, and a sender of tiny pieces must not make us decode the same bytes many times. */
const TEXT_WINDOW_MIN_BYTES = 64
const ASCII_END = 0x80
const ascii = new TextDecoder('latin1')

/** What `varint` answers while its bytes have not all arrived. */
export const INCOMPLETE = -1

/**
 * Bytes that arrive in pieces and are read from the front. A read that needs more than has arrived changes
 * nothing, so it can be repeated later. Each byte is copied at most twice, however small the pieces are.
 */
export class ByteQueue {
  #bytes = new Uint8Array(0)
  #start = 0
  #end = 0
  #owned = false
  /** The bytes from `#textStart` on as text of one character a byte; right only where they are ASCII. */
  #text = ''
  #textStart = 0

  get available(): number {
    return this.#end - this.#start
  }

  /** `bytes` is kept, not copied, while the queue is empty: the caller does not write to it again. */
  append(bytes: Uint8Array): void {
    if (bytes.length === 0) return
    this.#text = ''
    const kept = this.available
    if (kept === 0) {
      this.#bytes = bytes as Uint8Array<ArrayBuffer>
      this.#start = 0
      this.#end = bytes.length
      this.#owned = false
      return
    }
    if (!this.#owned || this.#end + bytes.length > this.#bytes.length) {
      const room = new Uint8Array(Math.max(kept + bytes.length, kept * 2))
      room.set(this.#bytes.subarray(this.#start, this.#end))
      this.#bytes = room
      this.#start = 0
      this.#end = kept
      this.#owned = true
    }
    this.#bytes.set(bytes, this.#end)
    this.#end += bytes.length
  }

  /** A QUIC variable-length integer (RFC 9000 §16), or {@link INCOMPLETE}. */
  varint(): number {
    const available = this.available
    if (available === 0) return INCOMPLETE
    const bytes = this.#bytes
    const at = this.#start
    const first = bytes[at]!
    const length = 1 << (first >> VARINT_PREFIX_SHIFT)
    if (length > available) return INCOMPLETE
    let value = first & VARINT_FIRST_BYTE_MASK
    if (length === 8) {
      const high = ((value << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!) >>> 0
      const low = (bytes[at + 4]! << 24) | (bytes[at + 5]! << 16) | (bytes[at + 6]! << 8) | bytes[at + 7]!
      value = high * TWO_TO_THE_32 + (low >>> 0)
      if (!Number.isSafeInteger(value)) throw new KeyhavenError('WIRE_MALFORMED', 'number over 2^53 - 1')
    } else {
      for (let index = 1; index < length; index++) value = value * 256 + bytes[at + index]!
    }
    this.#start += length
    return value
  }

  /** Undoes reads of `length` bytes in all, as long as nothing was appended since. */
  unread(length: number): void {
    this.#start -= length
  }

  /** A view of the next `length` bytes, which have arrived. Valid until the next `append`. */
  take(length: number): Uint8Array {
    const at = this.#start
    this.#start += length
    return this.#bytes.subarray(at, this.#start)
  }

  /**
   * The next `length` bytes, which have arrived, as text of one character a byte.
   *
   * @param allowed - 1 for each byte value that may occur.
   * @throws KeyhavenError `WIRE_MALFORMED` with `what` on any other byte.
   */
  text(length: number, allowed: Uint8Array, what: string): string {
    const bytes = this.#bytes
    const start = this.#start
    const end = start + length
    let isAscii = true
    for (let at = start; at < end; at++) {
      const byte = bytes[at]!
      if (allowed[byte] === 0) throw new KeyhavenError('WIRE_MALFORMED', `character not allowed in ${what}`)
      if (byte >= ASCII_END) isAscii = false
    }
    this.#start = end
    if (isAscii && this.#decodeUpTo(start, end)) {
      return this.#text.slice(start - this.#textStart, end - this.#textStart)
    }
    let text = ''
    for (let at = start; at < end; at++) text += String.fromCharCode(bytes[at]!)
    return text
  }

  /** Makes the bytes from `start` to `end`, and some after them, text. @returns whether that was worth it. */
  #decodeUpTo(start: number, end: number): boolean {
    if (start >= this.#textStart && end <= this.#textStart + this.#text.length) return true
    // Once for each append: what lies beyond the window is read byte by byte.
    if (this.#text !== '' || this.#end - start < TEXT_WINDOW_MIN_BYTES) return false
    const windowEnd = Math.min(this.#end, start + TEXT_WINDOW_BYTES)
    this.#text = ascii.decode(this.#bytes.subarray(start, windowEnd))
    this.#textStart = start
    return end <= windowEnd
  }
}
