import { KeyhavenError } from './error.ts'

const TWO_TO_THE_32 = 0x1_0000_0000
/** QUIC variable-length integers (RFC 9000 §16): the first two bits give the length. */
const VARINT_PREFIX_SHIFT = 6
const VARINT_FIRST_BYTE_MASK = 0x3f

/**
 * Reads a wire format from front to back. Every length is checked before a byte is touched.
 *
 * Methods throw KeyhavenError `WIRE_MALFORMED` on a cut input, `WIRE_TOO_LARGE` on a length over the given
 * maximum. Byte strings are views into the input, not copies.
 */
export class Reader {
  readonly #bytes: Uint8Array
  readonly #view: DataView
  #offset = 0

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  }

  /** Bytes not read yet. */
  get remaining(): number {
    return this.#bytes.length - this.#offset
  }

  u8(): number {
    return this.#view.getUint8(this.#advance(1))
  }

  u16(): number {
    return this.#view.getUint16(this.#advance(2))
  }

  u32(): number {
    return this.#view.getUint32(this.#advance(4))
  }

  /** Big-endian 64-bit number. Above 2^53 − 1 a JavaScript number is not exact: refused. */
  u64(): number {
    const at = this.#advance(8)
    return exact(this.#view.getUint32(at), this.#view.getUint32(at + 4))
  }

  /** QUIC variable-length integer (RFC 9000 §16); any of its four lengths is accepted, as there. */
  varint(): number {
    const at = this.#advance(1)
    const first = this.#view.getUint8(at)
    const length = 1 << (first >> VARINT_PREFIX_SHIFT)
    const low = first & VARINT_FIRST_BYTE_MASK
    if (length === 1) return low
    if (length === 2) return (low << 8) | this.u8()
    this.#advance(length - 1)
    const head = this.#view.getUint32(at) & 0x3fff_ffff
    return length === 4 ? head : exact(head, this.#view.getUint32(at + 4))
  }

  /** Exactly `length` bytes. */
  bytes(length: number): Uint8Array {
    const at = this.#advance(length)
    return this.#bytes.subarray(at, at + length)
  }

  /** A byte string behind a u8 length. */
  bytes8(max: number): Uint8Array {
    return this.#lengthPrefixed(this.u8(), max)
  }

  /** A byte string behind a u16 length. */
  bytes16(max: number): Uint8Array {
    return this.#lengthPrefixed(this.u16(), max)
  }

  /** A byte string behind a QUIC variable-length integer. */
  bytesVarint(max: number): Uint8Array {
    return this.#lengthPrefixed(this.varint(), max)
  }

  /** @throws KeyhavenError `WIRE_MALFORMED` if anything is left: one value has one encoding. */
  end(): void {
    if (this.remaining !== 0) throw new KeyhavenError('WIRE_MALFORMED', 'trailing bytes')
  }

  #lengthPrefixed(length: number, max: number): Uint8Array {
    if (length > max) throw new KeyhavenError('WIRE_TOO_LARGE', `length over the limit of ${max} bytes`)
    return this.bytes(length)
  }

  #advance(length: number): number {
    if (!Number.isSafeInteger(length) || length < 0) throw new TypeError('length must be a whole number')
    if (length > this.remaining) throw new KeyhavenError('WIRE_MALFORMED', 'input is cut')
    const at = this.#offset
    this.#offset += length
    return at
  }
}

function exact(high: number, low: number): number {
  const value = high * TWO_TO_THE_32 + low
  if (!Number.isSafeInteger(value)) throw new KeyhavenError('WIRE_MALFORMED', 'number over 2^53 - 1')
  return value
}
