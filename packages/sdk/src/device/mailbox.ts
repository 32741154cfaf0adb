import { KeyhavenError } from '@keyhaven/crypto'
import { MessageError, namedSender, REPAIR_TYPE } from '@keyhaven/messaging'
import { readEvents } from './event-stream.ts'
import { GivenMail } from './given-mail.ts'
import { type MailItem, readMailItem } from './mail-item.ts'
import type { OpenDevice } from './open-device.ts'
import { pause } from './pause.ts'
import { readText, writeText } from './stored-value.ts'

const POSITION_KEY = 'sdk/mailbox'
const MESSAGES_PATH = '/v1/mailbox/messages'
/** Of one `receive()`: what is more waits for the next. */
const RECEIVE_MAX_ITEMS = 1_000
const FIRST_WAIT_MS = 500
const LONGEST_WAIT_MS = 30_000
/** The mailbox will not answer differently the next time. */
const FINAL_CODES: readonly string[] = ['DEVICE_REVOKED', 'UNAUTHENTICATED', 'KEY_EXPIRED', 'ACCESS_DENIED']

/**
 * Store and forward on the key server, for first steps and small systems: any other transport does as well. An item
 * counts as read when the next one is asked for, or when it was decrypted before `me.close()`. A crash before brings it
 * again, and `decrypt` then says `DUPLICATE`.
 */
export interface Mailbox {
  /** To one person, and one's own other devices. @returns the item's id. */
  send(to: string, envelope: string): Promise<string>
  /** What has come since the last call, at most 1,000 items. Repair requests are answered, and left out. */
  receive(): Promise<readonly MailItem[]>
  /** What has come, and then what comes, until `signal` is aborted or `me` closed. Connects again whenever it has to. */
  subscribe(options?: { readonly signal?: AbortSignal }): AsyncIterableIterator<MailItem>
  /**
   * Does what a program can do about a message that could not be decrypted; if that is to ask the sending device, the
   * request is sent.
   *
   * @returns `sent`: wait for the answer, then decrypt the same envelope again; `retry`: decrypt it again now;
   * `none`: see the error's `advice`.
   */
  repair(error: unknown): Promise<'sent' | 'retry' | 'none'>
}

/** What other parts of the SDK need of the mailbox. */
export interface MailboxParts {
  readonly mailbox: Mailbox
  /** The app has had this envelope decrypted, or was told why it never will be. */
  read(envelope: string): void
  /** Ends subscriptions, and remembers what was read. */
  close(): Promise<void>
}

export function createMailbox(device: OpenDevice, touch: () => void): MailboxParts {
  const { api, keys, messenger, used } = device
  const given = new GivenMail()
  const closing = new AbortController()

  async function send(to: string, envelope: string): Promise<string> {
    touch()
    const body = { to, envelope }
    const { id } = await device.signed(() => api.json('POST', MESSAGES_PATH, body))
    return String(id)
  }

  async function remember(cursor: string | undefined): Promise<void> {
    if (cursor !== undefined) await writeText(used.store, POSITION_KEY, cursor)
  }

  /** Where to go on: who asks has read what was given before. */
  async function position(): Promise<string | undefined> {
    await remember(given.takeAll())
    return readText(used.store, POSITION_KEY)
  }

  /**
   * Whether the app is to see it. What this device sent itself it knows; what names another sender than the mailbox
   * does is forged; repair requests are answered here.
   */
  async function isForApp({ from, envelope }: MailItem): Promise<boolean> {
    if (from.username === keys.username && from.device === keys.device) return false
    // Otherwise anybody could use up this user's look-ups, with messages of people who do not exist.
    const named = namedSender(envelope)
    if (named && (named.username !== from.username || named.device !== from.device)) return false
    if (!isRepairRequest(envelope)) return true
    try {
      const answer = await messenger.answerRepair(envelope)
      await send(answer.to.username, answer.envelope)
    } catch (error) {
      // Refused, or for another device: nobody here can do more about it. Without a network it is asked again.
      if (!(error instanceof KeyhavenError)) throw error
    }
    return false
  }

  async function receive(): Promise<readonly MailItem[]> {
    touch()
    let after = await position()
    const items: MailItem[] = []
    const seen: (readonly [cursor: string, envelope: string | undefined])[] = []
    for (let more = true; more && items.length < RECEIVE_MAX_ITEMS; ) {
      const query = after === undefined ? '' : `?after=${encodeURIComponent(after)}`
      const page = await device.signed(() => api.json('GET', MESSAGES_PATH + query))
      const read = Array.isArray(page.items) ? page.items.map(readMailItem) : []
      for (const item of read) {
        const isWanted = await isForApp(item)
        if (isWanted) items.push(item)
        seen.push([item.cursor, isWanted ? item.envelope : undefined])
      }
      after = read.at(-1)?.cursor ?? after
      more = read.length > 0 && page.nextCursor !== null && page.nextCursor !== undefined
    }
    // Not before: what a failure on the way keeps from the app was not given to it.
    for (const [cursor, envelope] of seen) given.add(cursor, envelope)
    return items
  }

  async function* events(
    after: string | undefined,
    signal: AbortSignal,
    onOpen: () => void,
  ): AsyncGenerator<MailItem, void> {
    const query = after === undefined ? '' : `?after=${encodeURIComponent(after)}`
    const silence = new AbortController()
    const ends = AbortSignal.any([signal, silence.signal])
    const response = await device.signed(() => api.call('GET', `/v1/mailbox/events${query}`, undefined, ends))
    onOpen()
    if (response.body === null) return
    for await (const { type, data } of readEvents(response.body, () => silence.abort())) {
      if (type === 'message') yield readMailItem(parsed(data))
    }
  }

  async function* subscribe(options: { readonly signal?: AbortSignal } = {}): AsyncGenerator<MailItem, void> {
    if (closing.signal.aborted) return
    const ended = new AbortController()
    const ends = [ended.signal, closing.signal]
    const signal = AbortSignal.any(options.signal ? [...ends, options.signal] : ends)
    let wait = FIRST_WAIT_MS
    try {
      let after = await position()
      while (!signal.aborted) {
        touch()
        try {
          // A server ends a stream every few minutes, and when it restarts: that is no failure to wait longer after.
          const onOpen = () => {
            wait = FIRST_WAIT_MS
          }
          for await (const item of events(after, signal, onOpen)) {
            if (await isForApp(item)) {
              given.add(item.cursor, item.envelope)
              yield item
              // The store may be closed with it.
              if (closing.signal.aborted) return
              given.takeAll()
            }
            after = item.cursor
            await remember(after)
          }
        } catch (error) {
          if (signal.aborted) return
          if (error instanceof KeyhavenError && FINAL_CODES.includes(error.code)) throw error
        }
        await pause(wait, signal)
        wait = Math.min(wait * 2, LONGEST_WAIT_MS)
      }
    } finally {
      ended.abort()
      // Who leaves off at an item may have failed with it.
      if (!closing.signal.aborted) await remember(given.takeRead())
    }
  }

  const mailbox: Mailbox = {
    send,
    receive,
    subscribe,
    async repair(error) {
      if (!(error instanceof MessageError)) return 'none'
      const repair = await error.repair()
      if (repair.action === 'send') await send(repair.to.username, repair.envelope)
      return repair.action === 'send' ? 'sent' : repair.action
    },
  }
  return {
    mailbox,
    read: (envelope) => given.read(envelope),
    async close() {
      closing.abort()
      await remember(given.takeRead())
    },
  }
}

function isRepairRequest(envelope: string): boolean {
  return (parsed(envelope) as { type?: unknown } | undefined | null)?.type === REPAIR_TYPE
}

function parsed(data: string): unknown {
  try {
    return JSON.parse(data)
  } catch {
    return undefined
  }
}
