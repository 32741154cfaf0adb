import type { MailboxEvents } from './mailbox-events.ts'
import type { MailboxMessage, MailboxStore } from './mailbox-store.ts'

/** A comment in time, so that nothing between takes the stream for dead. */
const HEARTBEAT_MS = 15_000
/** After it the client comes again, signed anew. */
export const STREAM_MAX_MS = 300_000
const BATCH = 20

export interface MailboxStreamOptions {
  readonly store: MailboxStore
  readonly events: MailboxEvents
  readonly applicationId: string
  readonly username: string
  /** Of the last message that the client has. */
  readonly after: number
  readonly signal: AbortSignal
  /** Asked before anything is handed out: a device may have been revoked since it came. */
  readonly isCurrent: () => Promise<boolean>
  readonly json: (message: MailboxMessage) => object
  /** Once, however it ends. */
  readonly onEnd: () => void
}

/** Server-sent events: `id` is the cursor, `data` the message as the list shows it. */
export function mailboxStream(options: MailboxStreamOptions): ReadableStream<Uint8Array> {
  const { store, events, applicationId, username, signal } = options
  const encoder = new TextEncoder()
  let cursor = options.after
  let awake = true
  let wake = () => {}
  let ended = false
  const stop = events.watch(applicationId, username, {
    wake: () => {
      awake = true
      wake()
    },
    end: () => end(),
  })
  const heartbeat = setInterval(() => wake(), HEARTBEAT_MS).unref()
  const end = () => {
    if (ended) return
    ended = true
    options.onEnd()
    stop()
    clearInterval(heartbeat)
    clearTimeout(limit)
    wake()
  }
  const limit = setTimeout(end, STREAM_MAX_MS).unref()
  signal.addEventListener('abort', end, { once: true })
  let opened = false

  return new ReadableStream({
    async pull(controller) {
      if (!opened) {
        opened = true
        controller.enqueue(encoder.encode(': open\n\n'))
        return
      }
      while (!ended) {
        if (awake) {
          awake = false
          if (!(await options.isCurrent())) {
            end()
            break
          }
          const messages = await store.list(applicationId, username, cursor, BATCH)
          const last = messages.at(-1)
          if (last !== undefined) {
            cursor = last.cursor
            awake ||= messages.length === BATCH
            controller.enqueue(
              encoder.encode(messages.map((message) => event(message, options.json)).join('')),
            )
            return
          }
        }
        if (awake || ended) continue
        await new Promise<void>((resolve) => {
          wake = resolve
        })
        if (!awake && !ended) {
          controller.enqueue(encoder.encode(': alive\n\n'))
          return
        }
      }
      controller.close()
    },
    cancel: end,
  })
}

function event(message: MailboxMessage, json: (message: MailboxMessage) => object): string {
  return `id: ${message.cursor}\nevent: message\ndata: ${JSON.stringify(json(message))}\n\n`
}
