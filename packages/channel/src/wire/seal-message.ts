import { type Awaitable, padmeLength, varintBytes, Writer } from '@keyhaven/crypto'
import { encodeEnd } from './bhttp-encoder.ts'

/** How long bytes that do not fill a chunk wait for more, before they are sent in a smaller one. */
const FLUSH_MILLISECONDS = 10
/** Sealed zeros are taken from this many at a time. */
const ZEROS = new Uint8Array(4096)

export interface MessageToSeal {
  /** `encodeRequestHead` or `encodeResponseHead`. */
  readonly head: Uint8Array
  readonly content: AsyncIterator<Uint8Array>
  /** Bytes of plaintext in a chunk. */
  readonly chunkBytes: number
  /**
   * Whether a chunk that is not full goes out where the content pauses: what came reaches the other end then,
   * and an onlooker sees how much it was.
   */
  readonly flushAtPauses: boolean
  /** @returns the chunk, with its length before it. It must not keep `plaintext`, which is used again. */
  readonly sealChunk: (plaintext: Uint8Array, final: boolean) => Awaitable<Uint8Array>
}

/**
 * Seals a message of indeterminate length while its content comes.
 *
 * All chunks but the last have one size and the whole is padded to a Padmé size, so that an onlooker cannot
 * read the content's length from the chunks. Only `flushAtPauses` makes an exception.
 *
 * If the content fails, this fails, and there is no final chunk. Stopping the iteration stops the content.
 */
export async function* sealMessage(message: MessageToSeal): AsyncGenerator<Uint8Array, void, void> {
  const { head, content, chunkBytes, flushAtPauses, sealChunk } = message
  const chunk = new Uint8Array(chunkBytes)
  let filled = 0
  let total = 0
  let finished = false

  async function* write(bytes: Uint8Array): AsyncGenerator<Uint8Array, void, void> {
    total += bytes.length
    for (let at = 0; at < bytes.length; ) {
      // Not before there is more: the chunk might be the final one.
      if (filled === chunkBytes) yield* flush()
      const length = Math.min(chunkBytes - filled, bytes.length - at)
      chunk.set(bytes.subarray(at, at + length), filled)
      filled += length
      at += length
    }
  }

  async function* flush(): AsyncGenerator<Uint8Array, void, void> {
    if (filled === 0) return
    const plaintext = chunk.subarray(0, filled)
    filled = 0
    yield await sealChunk(plaintext, false)
  }

  try {
    yield* write(head)
    for (;;) {
      const next = content.next()
      if (flushAtPauses && !(await settlesWithin(next, FLUSH_MILLISECONDS))) yield* flush()
      const result = await next
      if (result.done) break
      const { length } = result.value
      if (length === 0) continue
      yield* write(new Writer(varintBytes(length)).varint(length).done())
      yield* write(result.value)
    }
    finished = true
  } finally {
    if (!finished) content.return?.()?.then(undefined, () => {})
  }
  yield* write(encodeEnd())
  for (let left = padmeLength(total) - total; left > 0; left -= ZEROS.length) {
    yield* write(ZEROS.subarray(0, left))
  }
  yield await sealChunk(chunk.subarray(0, filled), true)
}

/** Does not say how it settles, and rejects never. */
function settlesWithin(promise: Promise<unknown>, milliseconds: number): Promise<boolean> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, milliseconds, false)
    const settled = () => {
      clearTimeout(timer)
      resolve(true)
    }
    promise.then(settled, settled)
  })
}
