import { KeyhavenError } from '@keyhaven/crypto'
import { piecesOf } from '@keyhaven/crypto/file-stream'
import { fileDamaged } from './file-damaged.ts'
import type { FilesPort } from './files-port.ts'
import { createPatience, orAborted } from './try-again.ts'
import { FILES_PATH } from './tus-calls.ts'
import type { FileWaiting } from './upload-options.ts'

const STATUS_PARTIAL = 206

export interface StoredBytesOptions {
  readonly id: string
  /** Bytes of the stored file. */
  readonly stored: number
  /** First and last byte, the last not counted. */
  readonly start: number
  readonly end: number
  readonly signal?: AbortSignal | undefined
  readonly onBytes?: ((bytes: number) => void) | undefined
  readonly onWaiting?: ((waiting: FileWaiting) => void) | undefined
}

/**
 * A part of a stored file, or all of it, by HTTP ranges (RFC 9110 §14). Where the connection is cut, it goes
 * on from there.
 *
 * @throws the signal's reason; KeyhavenError `FILE_DAMAGED` if the store has another number of bytes; the
 *   server's refusals; `GATEWAY_UNAVAILABLE` after several failures in a row.
 */
export async function* storedBytes(
  port: FilesPort,
  { id, stored, start, end, signal, onBytes, onWaiting }: StoredBytesOptions,
): AsyncGenerator<Uint8Array, void, void> {
  const patience = createPatience(port.wait, onWaiting)
  let at = start
  while (at < end) {
    try {
      const headers = at === 0 && end === stored ? {} : { range: `bytes=${at}-${end - 1}` }
      const path = `${FILES_PATH}/${id}`
      const answer = await port.call('GET', path, undefined, headers, signal)
      if (!isWhatWasAsked(answer, at, end, stored)) {
        await answer.body?.cancel()
        throw fileDamaged()
      }
      for await (const piece of untilAborted(piecesOf(answer.body ?? []), signal)) {
        at += piece.length
        if (at > end) throw fileDamaged()
        patience.renew()
        onBytes?.(piece.length)
        yield piece
      }
      if (at < end) throw cutShort()
    } catch (error) {
      await patience.after(error, signal)
    }
  }
}

function isWhatWasAsked(answer: Response, start: number, end: number, stored: number): boolean {
  if (start === 0 && end === stored && answer.status !== STATUS_PARTIAL) {
    const length = answer.headers.get('content-length')
    return length === null || length === String(stored)
  }
  const range = answer.headers.get('content-range')
  return answer.status === STATUS_PARTIAL && range === `bytes ${start}-${end - 1}/${stored}`
}

/** A body that ends too early without an error of its own: tried again like any cut. */
function cutShort(): KeyhavenError {
  return new KeyhavenError('GATEWAY_UNAVAILABLE', 'the file ended before its end')
}

async function* untilAborted(
  pieces: AsyncGenerator<Uint8Array, void, void>,
  signal: AbortSignal | undefined,
): AsyncGenerator<Uint8Array, void, void> {
  try {
    for (;;) {
      const { done, value } = await orAborted(pieces.next(), signal)
      if (done) return
      yield value
    }
  } finally {
    // Not awaited: a read that hangs would keep it for ever.
    pieces.return().catch(() => {})
  }
}
