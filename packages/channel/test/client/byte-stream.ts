/** A stream of these pieces; `ReadableStream.from`, which the DOM types do not have yet. */
export function byteStream(
  pieces: Iterable<unknown> | AsyncIterable<unknown>,
): ReadableStream<Uint8Array<ArrayBuffer>> {
  const { from } = ReadableStream as unknown as {
    from(pieces: Iterable<unknown> | AsyncIterable<unknown>): ReadableStream<Uint8Array<ArrayBuffer>>
  }
  return from(pieces)
}
