/**
 * Pulls pieces only as they are taken, none ahead: what a platform's own conversion buffers is not bounded in
 * bytes.
 */
export function streamOf(pieces: AsyncIterator<Uint8Array, unknown, undefined>): ReadableStream<Uint8Array> {
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        const { done, value } = await pieces.next()
        if (done) controller.close()
        else controller.enqueue(value)
      },
      async cancel() {
        await pieces.return?.()
      },
    },
    { highWaterMark: 0 },
  )
}
