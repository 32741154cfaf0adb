import { KeyhavenError } from '@keyhaven/crypto'

/** The body of an outgoing request. */
export interface RequestBody {
  /** Media type that the kind of body implies (Fetch standard, "extract a body"). */
  readonly contentType: string | undefined
  /** Length in bytes, if it is known. */
  readonly length: number | undefined
  /** The whole body, if it is at hand in memory. */
  readonly bytes: Uint8Array | undefined
  /** Whether {@link open} can be called a second time. */
  readonly replayable: boolean
  /** The body in pieces. @throws TypeError if it is a stream that was read before. */
  open(): ReadableStream<Uint8Array>
}

/**
 * Takes a body as `fetch` does: what is in memory is copied now, so that later changes by the caller do not
 * reach a second attempt.
 *
 * @throws TypeError on a stream without `duplex: 'half'`, as the platform asks, and on one that is in use.
 */
export async function takeBody(body: unknown, duplex: unknown): Promise<RequestBody> {
  if (body instanceof ReadableStream || isAsyncIterable(body)) {
    if (duplex !== 'half') throw new TypeError("a stream as body needs duplex: 'half'")
    return streamBody(toStream(body))
  }
  if (body instanceof Blob) return blobBody(body, body.type || undefined)
  // The platform knows how to spell a form, a text or a buffer; for a form it also draws the boundary.
  const response = new Response(body as BodyInit)
  const contentType = response.headers.get('content-type') ?? undefined
  if (body instanceof FormData) return blobBody(await response.blob(), contentType)
  return bytesBody(new Uint8Array(await response.arrayBuffer()), contentType)
}

export function bytesBody(bytes: Uint8Array, contentType: string | undefined): RequestBody {
  return { contentType, length: bytes.length, bytes, replayable: true, open: () => streamOf([bytes]) }
}

function blobBody(blob: Blob, contentType: string | undefined): RequestBody {
  return { contentType, length: blob.size, bytes: undefined, replayable: true, open: () => blob.stream() }
}

function streamBody(stream: ReadableStream<Uint8Array>): RequestBody {
  if (stream.locked) throw new TypeError('the body is a stream that is in use')
  return {
    contentType: undefined,
    length: undefined,
    bytes: undefined,
    replayable: false,
    open: () => stream,
  }
}

/**
 * Reads ahead up to `maxBytes`: a body that ends within them becomes one in memory, which can be padded as a
 * whole and sent twice; of a longer one nothing is lost.
 */
export async function readAhead(body: RequestBody, maxBytes: number): Promise<RequestBody> {
  if (body.bytes !== undefined || (body.length ?? 0) > maxBytes) return body
  const reader = body.open().getReader()
  const pieces: Uint8Array[] = []
  let length = 0
  for (;;) {
    const { done, value } = await reader.read()
    if (done)
      return bytesBody(new Uint8Array(await new Blob(pieces as BlobPart[]).arrayBuffer()), body.contentType)
    pieces.push(requireBytes(value))
    length += value.length
    if (length > maxBytes) return streamBody(streamOf(pieces, reader))
  }
}

/**
 * The body as one in memory.
 *
 * @throws KeyhavenError `WIRE_TOO_LARGE` over `maxBytes`.
 */
export async function bufferBody(body: RequestBody, maxBytes: number): Promise<RequestBody> {
  const ahead = (body.length ?? 0) > maxBytes ? body : await readAhead(body, maxBytes)
  if (ahead.bytes !== undefined && ahead.bytes.length <= maxBytes) return ahead
  if (!ahead.replayable) await ahead.open().cancel()
  throw new KeyhavenError('WIRE_TOO_LARGE', `the body of a signed request has at most ${maxBytes} bytes`)
}

/** @throws TypeError on a piece that is no Uint8Array, as `fetch` does. */
export function requireBytes(piece: unknown): Uint8Array {
  if (!(piece instanceof Uint8Array)) throw new TypeError('a body stream must give Uint8Array pieces')
  return piece
}

function streamOf(
  pieces: readonly Uint8Array[],
  rest?: ReadableStreamDefaultReader<Uint8Array>,
): ReadableStream<Uint8Array> {
  let next = 0
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        if (next < pieces.length) return controller.enqueue(pieces[next++]!)
        const piece = await rest?.read()
        if (piece === undefined || piece.done) return controller.close()
        controller.enqueue(piece.value)
      },
      cancel: (reason) => rest?.cancel(reason),
    },
    { highWaterMark: 0 },
  )
}

function isAsyncIterable(value: unknown): value is AsyncIterable<Uint8Array> {
  return (
    typeof value === 'object' && value !== null && Symbol.asyncIterator in value && !(value instanceof Blob)
  )
}

function toStream(body: ReadableStream<Uint8Array> | AsyncIterable<Uint8Array>): ReadableStream<Uint8Array> {
  if (body instanceof ReadableStream) return body
  const iterator = body[Symbol.asyncIterator]()
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        const { done, value } = await iterator.next()
        if (done) controller.close()
        else controller.enqueue(value)
      },
      cancel: async (reason) => {
        await iterator.return?.(reason)
      },
    },
    { highWaterMark: 0 },
  )
}
