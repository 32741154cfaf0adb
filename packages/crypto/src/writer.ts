const INITIAL_BYTES = 64
const TWO_TO_THE_32 = 0x1_0000_0000
const U8_MAX = 0xff
const U16_MAX = 0xffff
const U32_MAX = 0xffff_ffff
/** QUIC variable-length integers (RFC 9000 §16): values below these take 1, 2, 4, otherwise 8 bytes. */
const VARINT_1_BYTE_LIMIT = 0x40
const VARINT_2_BYTES_LIMIT = 0x4000
const VARINT_4_BYTES_LIMIT = 0x4000_0000
const VARINT_2_BYTES_PREFIX = 0x4000
const VARINT_4_BYTES_PREFIX = 0x8000_0000
const VARINT_8_BYTES_PREFIX = 0xc000_0000

/** How many bytes {@link Writer.varint} takes for a value. */
export function varintBytes(value: number): 1 | 2 | 4 | 8 {
  if (value < VARINT_1_BYTE_LIMIT) return 1
  if (value < VARINT_2_BYTES_LIMIT) return 2
  return value < VARINT_4_BYTES_LIMIT ? 4 : 8
}

/** Writes what {@link Reader} reads. Methods throw TypeError on a value that does not fit its field. */
export class Writer {
  // No DataView beside it: V8 keeps up to 64 bytes in its own heap until somebody asks for their buffer.
  #bytes: Uint8Array<ArrayBuffer>
  #length = 0

  /** @param capacity - bytes allocated up front; give the final size where it is known. */
  constructor(capacity: number = INITIAL_BYTES) {
    this.#bytes = new Uint8Array(capacity)
  }

  u8(value: number): this {
    check(value, U8_MAX)
    const at = this.#grow(1) // first: it may replace the bytes
    this.#bytes[at] = value
    return this
  }

  u16(value: number): this {
    check(value, U16_MAX)
    const at = this.#grow(2)
    this.#bytes[at] = value >>> 8
    this.#bytes[at + 1] = value
    return this
  }

  u32(value: number): this {
    check(value, U32_MAX)
    this.#set32(this.#grow(4), value)
    return this
  }

  /** Big-endian 64-bit number, at most 2^53 − 1. */
  u64(value: number): this {
    check(value, Number.MAX_SAFE_INTEGER)
    this.#set64(this.#grow(8), Math.floor(value / TWO_TO_THE_32), value)
    return this
  }

  /** QUIC variable-length integer (RFC 9000 §16) in its shortest form, at most 2^53 − 1. */
  varint(value: number): this {
    check(value, Number.MAX_SAFE_INTEGER)
    const length = varintBytes(value)
    if (length === 1) return this.u8(value)
    if (length === 2) return this.u16(VARINT_2_BYTES_PREFIX + value)
    if (length === 4) return this.u32(VARINT_4_BYTES_PREFIX + value)
    this.#set64(this.#grow(8), VARINT_8_BYTES_PREFIX + Math.floor(value / TWO_TO_THE_32), value)
    return this
  }

  bytes(value: Uint8Array): this {
    const at = this.#grow(value.length)
    this.#bytes.set(value, at)
    return this
  }

  /** A byte string behind a u8 length. */
  bytes8(value: Uint8Array): this {
    return this.u8(value.length).bytes(value)
  }

  /** A byte string behind a u16 length. */
  bytes16(value: Uint8Array): this {
    return this.u16(value.length).bytes(value)
  }

  /** A byte string behind a QUIC variable-length integer. */
  bytesVarint(value: Uint8Array): this {
    return this.varint(value.length).bytes(value)
  }

  /** @returns what was written; the writer is not used again. */
  done(): Uint8Array<ArrayBuffer> {
    return this.#length === this.#bytes.length ? this.#bytes : this.#bytes.subarray(0, this.#length)
  }

  #set64(at: number, high: number, value: number): void {
    this.#set32(at, high)
    this.#set32(at + 4, value % TWO_TO_THE_32)
  }

  #set32(at: number, value: number): void {
    this.#bytes[at] = value >>> 24
    this.#bytes[at + 1] = value >>> 16
    this.#bytes[at + 2] = value >>> 8
    this.#bytes[at + 3] = value
  }

  #grow(length: number): number {
    const at = this.#length
    this.#length += length
    if (this.#length > this.#bytes.length) {
      const larger = new Uint8Array(Math.max(this.#length, this.#bytes.length * 2))
      larger.set(this.#bytes.subarray(0, at))
      this.#bytes = larger
    }
    return at
  }
}

function check(value: number, max: number): void {
  if (!Number.isSafeInteger(value) || value < 0 || value > max) {
    throw new TypeError(`number must be whole and at most ${max}`)
  }
}
