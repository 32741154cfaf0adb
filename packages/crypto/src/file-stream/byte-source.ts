/** Where bytes come from; a piece may have any length and is not kept after the next one is asked for. */
export type ByteSource = Blob | ReadableStream<Uint8Array> | AsyncIterable<Uint8Array> | Iterable<Uint8Array>

/**
 * The pieces of any source. A stream is cancelled if its reader stops early.
 *
 * @throws TypeError on a piece that is not bytes, and what the source throws.
 */
export async function* piecesOf(source: ByteSource): AsyncGenerator<Uint8Array, void, void> {
  for await (const piece of iterableOf(source)) {
    if (!(piece instanceof Uint8Array)) throw new TypeError('a source of bytes gives Uint8Arrays')
    yield piece
  }
}

function iterableOf(source: ByteSource): AsyncIterable<Uint8Array> | Iterable<Uint8Array> {
  // By what they can do: not every runtime has these classes.
  if ('getReader' in source) return fromStream(source)
  return 'stream' in source ? fromStream(source.stream()) : source
}

/** Not every browser can iterate a stream. */
async function* fromStream(stream: ReadableStream<Uint8Array>): AsyncGenerator<Uint8Array, void, void> {
  const reader = stream.getReader()
  let ended = false
  try {
    for (;;) {
      const { done, value } = await reader.read()
      if (done) break
      yield value
    }
    ended = true
  } finally {
    // One that has failed says so again: it was said.
    if (!ended) await reader.cancel().catch(() => {})
    reader.releaseLock()
  }
}

/** A stream that takes from the pieces only what is read, and tells them when its reader stops early. */
export function streamOf(pieces: AsyncIterable<Uint8Array>): ReadableStream<Uint8Array> {
  const iterator = pieces[Symbol.asyncIterator]()
  return new ReadableStream(
    {
      async pull(controller) {
        const { done, value } = await iterator.next()
        if (done) controller.close()
        else controller.enqueue(value)
      },
      async cancel() {
        await iterator.return?.()
      },
    },
    { highWaterMark: 0 },
  )
}
