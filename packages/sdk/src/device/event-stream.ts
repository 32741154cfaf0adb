import { KeyhavenError } from '@keyhaven/crypto'

/** Of one line. */
const EVENT_MAX_CHARACTERS = 1_048_576
const LINE_END = /\r\n|\r|\n/
/** The server says something every 15 seconds: a connection silent for three times as long is gone. */
export const STREAM_SILENCE_MS = 45_000

/** An event of a stream (WHATWG HTML §9.2, server-sent events). */
export interface StreamEvent {
  /** @defaultValue `message` */
  readonly type: string
  readonly data: string
}

/**
 * Reads server-sent events. Ends with the stream; comments and what is cut off at its end are dropped.
 *
 * @param onSilence - called when nothing has come for {@link STREAM_SILENCE_MS}: it has to end the connection,
 *   as after a power cut or a change of network, of which nothing else would ever tell.
 */
export async function* readEvents(
  stream: ReadableStream<Uint8Array>,
  onSilence: () => void = () => {},
): AsyncGenerator<StreamEvent, void> {
  const reader = stream.getReader()
  const decoder = new TextDecoder()
  let rest = ''
  let type = ''
  let data: string[] = []
  try {
    for (;;) {
      const read = await readOrTell(reader, onSilence)
      if (read.done) return
      rest += decoder.decode(read.value, { stream: true })
      // A lone CR at the end may be half of a CRLF.
      const held = rest.endsWith('\r') ? 1 : 0
      const lines = rest.slice(0, rest.length - held).split(LINE_END)
      rest = lines.pop()! + (held === 1 ? '\r' : '')
      if (rest.length > EVENT_MAX_CHARACTERS) throw new KeyhavenError('WIRE_TOO_LARGE', 'event')
      for (const line of lines) {
        if (line === '') {
          if (data.length > 0) yield { type: type || 'message', data: data.join('\n') }
          type = ''
          data = []
          continue
        }
        const colon = line.indexOf(':')
        const field = colon < 0 ? line : line.slice(0, colon)
        const value = colon < 0 ? '' : line.slice(colon + 1).replace(/^ /, '')
        if (field === 'data') data.push(value)
        else if (field === 'event') type = value
      }
    }
  } finally {
    await reader.cancel().catch(() => {})
  }
}

/** The time that the app takes with an event is not silence. */
async function readOrTell(reader: ReadableStreamDefaultReader<Uint8Array>, onSilence: () => void) {
  const timer = setTimeout(onSilence, STREAM_SILENCE_MS)
  try {
    return await reader.read()
  } finally {
    clearTimeout(timer)
  }
}
