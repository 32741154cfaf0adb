import { KeyhavenError } from '@keyhaven/crypto'
import type { BhttpEvent } from '../wire/bhttp-decoder.ts'
import type { BhttpRequestHead } from '../wire/bhttp-message.ts'
import { BhttpRequestDecoder } from '../wire/bhttp-request-decoder.ts'
import { methodForbidsContent } from '../wire/bhttp-rules.ts'
import { joinBytes } from '../wire/join-bytes.ts'
import type { EnvelopeReader } from './envelope-reader.ts'
import type { GatewayLimits } from './limits.ts'

/** A request that was opened, its body perhaps still on its way. */
export interface InnerRequest {
  readonly head: BhttpRequestHead
  /** Whole, or a stream that fails if the rest cannot be opened or is malformed. */
  readonly body: Uint8Array | ReadableStream<Uint8Array>
  /** Why the rest failed, if it did. */
  failure(): KeyhavenError | undefined
}

const NO_FAILURE = () => undefined

/**
 * Reads the head of a request and, if it is all there, its body.
 *
 * @throws KeyhavenError `OPEN_FAILED`; `WIRE_MALFORMED` and `WIRE_TOO_LARGE` for what was opened.
 */
export async function readRequest(envelope: EnvelopeReader, limits: GatewayLimits): Promise<InnerRequest> {
  const decoder = new BhttpRequestDecoder(limits)
  let head: BhttpRequestHead | undefined
  const pieces: Uint8Array[] = []
  for (;;) {
    const opening = envelope.next()
    const { plaintext, final } = opening instanceof Promise ? await opening : opening
    if (plaintext.length === 0 && !final) throw new KeyhavenError('OPEN_FAILED', 'request cannot be opened')
    for (const event of decoder.push(plaintext, final)) {
      if (event.type === 'head') head = event.head
      else if (event.type === 'content') pieces.push(event.bytes)
    }
    if (final) return { head: head!, body: joinBytes(pieces), failure: NO_FAILURE }
    if (head === undefined) continue
    // Its end must come before its handler runs: nothing may hide behind it.
    if (!methodForbidsContent(head.method)) return streamed(envelope, decoder, head, pieces)
    if (pieces.length > 0) throw new KeyhavenError('WIRE_MALFORMED', 'content with a method that has none')
  }
}

function streamed(
  envelope: EnvelopeReader,
  decoder: BhttpRequestDecoder,
  head: BhttpRequestHead,
  firstPieces: readonly Uint8Array[],
): InnerRequest {
  let failure: KeyhavenError | undefined
  let waiting = [...firstPieces]
  let ended = false

  async function nextPiece(): Promise<Uint8Array | undefined> {
    while (waiting.length === 0 && !ended) {
      const { plaintext, final } = await envelope.next()
      if (plaintext.length === 0 && !final) throw new KeyhavenError('OPEN_FAILED', 'request cannot be opened')
      waiting = contents(decoder.push(plaintext, final))
      ended = final
    }
    return waiting.shift()
  }

  const body = new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        try {
          const piece = await nextPiece()
          if (piece === undefined) controller.close()
          else controller.enqueue(piece)
        } catch (error) {
          failure = error instanceof KeyhavenError ? error : new KeyhavenError('OPEN_FAILED', 'request body')
          controller.error(failure)
        }
      },
      cancel() {
        envelope.cancel()
      },
    },
    { highWaterMark: 0 },
  )
  return { head, body, failure: () => failure }
}

function contents(events: readonly BhttpEvent<BhttpRequestHead>[]): Uint8Array[] {
  return events.flatMap((event) => (event.type === 'content' ? [event.bytes] : []))
}
