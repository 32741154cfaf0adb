import { padmeLength } from '@keyhaven/crypto'
import { type BhttpRequestHead, encodeRequest, encodeRequestHead } from '../wire/binary-http.ts'
import { CHUNK_CONTENT_BYTES } from '../wire/chunk-framing.ts'
import type { RequestSealer } from '../wire/chunked.ts'
import { joinBytes } from '../wire/join-bytes.ts'
import { sealMessage } from '../wire/seal-message.ts'
import { type RequestBody, requireBytes } from './request-body.ts'

const NO_CONTENT = new Uint8Array(0)

/** Whether the request goes as one chunk: its body is in memory, and small. */
export function fitsOneChunk(body: RequestBody | undefined): boolean {
  return body === undefined || (body.bytes !== undefined && body.bytes.length <= CHUNK_CONTENT_BYTES)
}

/**
 * A request with a small body or none: one final chunk, a message of known length padded to its Padmé size.
 */
export async function sealWhole(
  sealer: RequestSealer,
  head: BhttpRequestHead,
  body: RequestBody | undefined,
): Promise<Uint8Array<ArrayBuffer>> {
  const message = encodeRequest({ ...head, body: body?.bytes ?? NO_CONTENT }, padmeLength)
  return joinBytes([sealer.header, await sealer.sealChunk(message, true)]) as Uint8Array<ArrayBuffer>
}

/**
 * A request with a large body, or one of unknown length: chunks of one size, whatever the pieces of the body
 * are, and zeros at the end up to the Padmé size of the whole. So the wire shows the padded length and
 * nothing else.
 *
 * Holds one chunk at a time. Stopping the iteration cancels the body.
 */
export async function* sealPieces(
  sealer: RequestSealer,
  head: BhttpRequestHead,
  body: RequestBody,
): AsyncGenerator<Uint8Array<ArrayBuffer>, void, void> {
  yield sealer.header as Uint8Array<ArrayBuffer>
  const chunks = sealMessage({
    head: encodeRequestHead(head),
    content: contentOf(body),
    chunkBytes: CHUNK_CONTENT_BYTES,
    flushAtPauses: false,
    sealChunk: sealer.sealChunk,
  })
  yield* chunks as AsyncGenerator<Uint8Array<ArrayBuffer>, void, void>
}

/** The body in pieces of at most one chunk. */
async function* contentOf(body: RequestBody): AsyncGenerator<Uint8Array, void, void> {
  const reader = body.open().getReader()
  let ended = false
  try {
    for (;;) {
      const { done, value } = await reader.read()
      if (done) break
      const piece = requireBytes(value)
      for (let at = 0; at < piece.length; at += CHUNK_CONTENT_BYTES) {
        yield piece.subarray(at, at + CHUNK_CONTENT_BYTES)
      }
    }
    ended = true
  } finally {
    if (!ended) await reader.cancel().catch(() => {})
    reader.releaseLock()
  }
}
