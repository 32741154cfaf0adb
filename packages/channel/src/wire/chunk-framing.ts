import { AEAD_TAG_BYTES, KeyhavenError, utf8, Writer } from '@keyhaven/crypto'
import { type ByteQueue, INCOMPLETE } from './byte-queue.ts'

/**
 * Bytes of plaintext in one chunk that we accept. The draft (§3) asks for 16 KiB; the two ends of this
 * package send a whole message with up to 64 KiB of content, its head and its padding as one chunk.
 */
export const CHUNK_MAX_BYTES = 131_072
/** Bytes of plaintext in one chunk that every receiver accepts (chunked draft §3). */
export const PORTABLE_CHUNK_BYTES = 16_384
/** Bytes of content in one chunk that we send to our own kind. */
export const CHUNK_CONTENT_BYTES = 65_536

const FINAL_LENGTH = 0
/** Associated data of the final chunk; that of the others is empty (chunked draft §6.1). */
export const FINAL_CHUNK_AAD: Uint8Array = utf8('final')
export const CHUNK_AAD: Uint8Array = new Uint8Array(0)

/** A sealed chunk with its length before it; the final one with a zero, since it ends with the message. */
export function frameChunk(sealed: Uint8Array, final: boolean): Uint8Array<ArrayBuffer> {
  const writer = new Writer(sealed.length + 4)
  return writer
    .varint(final ? FINAL_LENGTH : sealed.length)
    .bytes(sealed)
    .done()
}

/**
 * Cuts a stream into sealed chunks, as its bytes arrive.
 *
 * Lengths are not authenticated, so whatever is wrong with them is `OPEN_FAILED`: a chunk over the limit
 * (before it is stored), one that cannot hold a byte of plaintext (only the final one may be empty), a
 * message without its end.
 */
export class ChunkReader {
  readonly #queue: ByteQueue
  readonly #maxSealedBytes: number
  /** Bytes of the chunk being read; undefined between chunks. */
  #length: number | undefined

  /** @param queue - holds what has arrived; the caller appends to it. */
  constructor(queue: ByteQueue, maxChunkBytes: number = CHUNK_MAX_BYTES) {
    this.#queue = queue
    this.#maxSealedBytes = maxChunkBytes + AEAD_TAG_BYTES
  }

  /** @returns the next chunk that is not the final one, or undefined until more bytes have arrived. */
  next(): Uint8Array | undefined {
    const queue = this.#queue
    if (this.#length === undefined) {
      const length = this.#readLength()
      if (length === INCOMPLETE) return undefined
      if (length > this.#maxSealedBytes) throw cannotOpen()
      if (length !== FINAL_LENGTH && length <= AEAD_TAG_BYTES) throw cannotOpen()
      this.#length = length
    }
    if (this.#length === FINAL_LENGTH) {
      if (queue.available > this.#maxSealedBytes) throw cannotOpen()
      return undefined
    }
    if (queue.available < this.#length) return undefined
    const chunk = queue.take(this.#length)
    this.#length = undefined
    return chunk
  }

  #readLength(): number {
    try {
      return this.#queue.varint()
    } catch {
      throw cannotOpen()
    }
  }

  /** @returns the final chunk: all that is left, once the stream has ended and `next` has nothing more. */
  final(): Uint8Array {
    if (this.#length !== FINAL_LENGTH || this.#queue.available < AEAD_TAG_BYTES) throw cannotOpen()
    return this.#queue.take(this.#queue.available)
  }
}

function cannotOpen(): KeyhavenError {
  return new KeyhavenError('OPEN_FAILED', 'message cannot be opened')
}
