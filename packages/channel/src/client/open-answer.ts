import { KeyhavenError } from '@keyhaven/crypto'
import { type BhttpEvent, BhttpResponseDecoder, type BhttpResponseHead } from '../wire/binary-http.ts'
import type { ResponseOpener } from '../wire/chunked.ts'
import { joinBytes } from '../wire/join-bytes.ts'
import { orAbort } from './abort.ts'
import { answerUnopened } from './channel-errors.ts'

/** A sealed answer, opened up to its head. */
export interface OpenedAnswer {
  readonly head: BhttpResponseHead
  /** The whole body if it came together with the head. */
  readonly whole: Uint8Array | undefined
  /** The body as it arrives. Not to be used together with `whole`. */
  stream(): ReadableStream<Uint8Array>
  /** Reads to the authenticated end and drops the content: for answers that have none by definition. */
  drain(): Promise<void>
  /** Gives up what has not arrived yet. */
  cancel(): Promise<void>
}

type ResponseEvent = BhttpEvent<BhttpResponseHead>

/** Streamed content is handed on and not kept, so its sum needs no limit. */
const STREAMED_LIMITS = { maxContentBytes: Number.MAX_SAFE_INTEGER }

/**
 * Opens a `message/ohttp-chunked-res` up to its head. Plaintext comes out only after the tag of its chunk was
 * checked, and the stream ends well only after the final chunk was: a cut answer makes it fail.
 *
 * @throws KeyhavenError `OPEN_FAILED` on anything altered or cut; what the network throws as it is.
 */
export async function openAnswer(
  source: ReadableStream<Uint8Array>,
  opener: ResponseOpener,
  signal: AbortSignal | undefined,
): Promise<OpenedAnswer> {
  const events = readEvents(source.getReader(), opener)
  const first = await orAbort(events.next(), signal)
  if (first.done || first.value[0]?.type !== 'head') throw answerUnopened(undefined)
  const { head } = first.value[0]
  const rest = first.value.slice(1)
  const ended = rest.at(-1)?.type === 'end'
  return {
    head,
    whole: ended ? contentOf(rest) : undefined,
    stream: () => contentStream(rest, events, signal),
    async drain() {
      while (!(await orAbort(events.next(), signal)).done) {}
    },
    async cancel() {
      await events.return()
    },
  }
}

/** Non-empty batches of events, the first one beginning with the head. */
async function* readEvents(
  reader: ReadableStreamDefaultReader<Uint8Array>,
  opener: ResponseOpener,
): AsyncGenerator<ResponseEvent[], void, void> {
  const decoder = new BhttpResponseDecoder(STREAMED_LIMITS)
  let ended = false
  try {
    while (!ended) {
      const { done, value } = await reader.read()
      ended = done
      const batch = await openBatch(opener, decoder, done ? undefined : value)
      if (batch.length > 0) yield batch
    }
  } finally {
    if (!ended) await reader.cancel().catch(() => {})
  }
}

/** @param bytes - undefined at the end of the answer. */
async function openBatch(
  opener: ResponseOpener,
  decoder: BhttpResponseDecoder,
  bytes: Uint8Array | undefined,
): Promise<ResponseEvent[]> {
  try {
    if (bytes === undefined) return decoder.push(await opener.end(), true)
    const events: ResponseEvent[] = []
    for (const chunk of await opener.push(bytes)) events.push(...decoder.push(chunk, false))
    return events
  } catch (error) {
    throw error instanceof KeyhavenError ? answerUnopened(error) : error
  }
}

function contentOf(events: readonly ResponseEvent[]): Uint8Array {
  const pieces = events.filter((event) => event.type === 'content').map((event) => event.bytes)
  return joinBytes(pieces)
}

function contentStream(
  first: readonly ResponseEvent[],
  events: AsyncGenerator<ResponseEvent[], void, void>,
  signal: AbortSignal | undefined,
): ReadableStream<Uint8Array> {
  let pending = first
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        while (!pending.some((event) => event.type === 'content')) {
          const next = await orAbort(events.next(), signal)
          if (next.done) return controller.close()
          pending = next.value
        }
        for (const event of pending) if (event.type === 'content') controller.enqueue(event.bytes)
        pending = []
      },
      cancel: async () => {
        await events.return()
      },
    },
    { highWaterMark: 0 },
  )
}
