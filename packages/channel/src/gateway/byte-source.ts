import type { Awaitable } from '@keyhaven/crypto'
import { OuterFailure } from './outer-failure.ts'

/** The body of a call, piece by piece, up to a limit. */
export interface ByteSource {
  /**
   * @returns the next piece, or undefined after the last.
   * @throws OuterFailure `WIRE_TOO_LARGE` over the limit, `OPEN_FAILED` if the stream fails (a cut).
   */
  next(): Awaitable<Uint8Array | undefined>
  cancel(): void
}

function tooLarge(): OuterFailure {
  return new OuterFailure('WIRE_TOO_LARGE', 'body')
}

/**
 * @param contentLength - as declared; over the limit nothing is read at all.
 * @param maxBytes - of the whole body.
 */
export function byteSource(
  body: Uint8Array | AsyncIterable<Uint8Array>,
  contentLength: number | undefined,
  maxBytes: number,
): ByteSource {
  if (contentLength !== undefined && contentLength > maxBytes) throw tooLarge()
  if (body instanceof Uint8Array) {
    if (body.length > maxBytes) throw tooLarge()
    let left: Uint8Array | undefined = body
    return {
      next() {
        const piece = left
        left = undefined
        return piece
      },
      cancel() {},
    }
  }
  const iterator = body[Symbol.asyncIterator]()
  let total = 0
  const cancel = () => {
    const stopping = iterator.return?.()
    stopping?.then(undefined, () => {})
  }
  return {
    async next() {
      let result: IteratorResult<Uint8Array>
      try {
        result = await iterator.next()
      } catch (cause) {
        throw new OuterFailure('OPEN_FAILED', 'request cannot be opened', { cause })
      }
      if (result.done) return undefined
      total += result.value.length
      if (total > maxBytes) {
        cancel()
        throw tooLarge()
      }
      return result.value
    },
    cancel,
  }
}
