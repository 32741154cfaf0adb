import {
  type BhttpRequestHead,
  encodeContentChunk,
  encodeEnd,
  encodeRequest,
  encodeRequestHead,
} from '../wire/binary-http.ts'
import { CHUNK_CONTENT_BYTES } from '../wire/chunk-framing.ts'
import type { RequestSealer } from '../wire/chunked.ts'
import { joinBytes } from '../wire/join-bytes.ts'
import { padmeLength } from '../wire/padme.ts'
import { type RequestBody, requireBytes } from './request-body.ts'

const NO_CONTENT = new Uint8Array(0)

/** Whether the request goes as one chunk: its body is in memory, and small. */
export function fitsOneChunk(body: RequestBody | undefined): boolean {
  return body === undefined || (body.bytes !== undefined && body.bytes.length <= CHUNK_CONTENT_BYTES)
}

/** A request with a small body or none: one final chunk, a message of known length padded to its Padmé size. */
export async function sealWhole(
  sealer: RequestSealer,
  head: BhttpRequestHead,
  body: RequestBody | undefined,
): Promise<Uint8Array<ArrayBuffer>> {
  const message = encodeRequest({ ...head, body: body?.bytes ?? NO_CONTENT }, padmeLength)
  return joinBytes([sealer.header, await sealer.sealChunk(message, true)]) as Uint8Array<ArrayBuffer>
}

/**
 * A request with a large body, or one of unknown length: chunks of one size, whatever the pieces of the body are, and
 * zeros at the end up to the Padmé size of the whole. So the wire shows the padded length and nothing else.
 *
 * Holds one chunk at a time. Stopping the iteration cancels the body.
 */
export async function* sealPieces(
  sealer: RequestSealer,
  head: BhttpRequestHead,
  body: RequestBody,
): AsyncGenerator<Uint8Array<ArrayBuffer>, void, void> {
  yield sealer.header as Uint8Array<ArrayBuffer>
  const chunk = new Uint8Array(CHUNK_CONTENT_BYTES)
  let filled = 0
  let total = 0
  for await (const piece of plaintext(head, body)) {
    total += piece.length
    for (let taken = 0; taken < piece.length; ) {
      if (filled === chunk.length) {
        yield bytesOnly(await sealer.sealChunk(chunk, false))
        filled = 0
      }
      const part = piece.subarray(taken, taken + chunk.length - filled)
      chunk.set(part, filled)
      filled += part.length
      taken += part.length
    }
  }
  for (let padding = padmeLength(total) - total; padding > 0; ) {
    if (filled === chunk.length) {
      yield bytesOnly(await sealer.sealChunk(chunk, false))
      filled = 0
    }
    const zeros = Math.min(padding, chunk.length - filled)
    chunk.fill(0, filled, filled + zeros)
    filled += zeros
    padding -= zeros
  }
  yield bytesOnly(await sealer.sealChunk(chunk.subarray(0, filled), true))
}

/** The message in the indeterminate-length form (RFC 9292 §3.2). */
async function* plaintext(head: BhttpRequestHead, body: RequestBody): AsyncGenerator<Uint8Array, void, void> {
  yield encodeRequestHead(head)
  const reader = body.open().getReader()
  let ended = false
  try {
    for (;;) {
      const { done, value } = await reader.read()
      if (done) break
      const piece = requireBytes(value)
      for (let at = 0; at < piece.length; at += CHUNK_CONTENT_BYTES) {
        yield encodeContentChunk(piece.subarray(at, at + CHUNK_CONTENT_BYTES))
      }
    }
    ended = true
  } finally {
    if (!ended) await reader.cancel().catch(() => {})
    reader.releaseLock()
  }
  yield encodeEnd()
}

function bytesOnly(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  return bytes as Uint8Array<ArrayBuffer>
}
