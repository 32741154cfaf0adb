import { KeyhavenError } from '@keyhaven/crypto'
import { MessageError, namedSender, REPAIR_TYPE } from '@keyhaven/messaging'
import { readEvents } from './event-stream.ts'
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
 * counts as read when the next one is asked for; a crash before brings it again, and `decrypt` then says `DUPLICATE`.
 */
export interface Mailbox {
  /** To one person, and one's own other devices. @returns the item's id. */
  send(to: string, envelope: string): Promise<string>
  /** What has come since the last call, at most 1,000 items. Repair requests are answered, and left out. */
  receive(): Promise<readonly MailItem[]>
  /** What has come, and then what comes, until `signal` is aborted. Connects again whenever it has to. */
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

export function createMailbox(device: OpenDevice, touch: () => void): Mailbox {
  const { api, keys, messenger, used } = device
  /** Where the items end that were given out last. */
  let given: string | undefined

  async function send(to: string, envelope: string): Promise<string> {
    touch()
    const body = { to, envelope }
    const { id } = await device.signed(() => api.json('POST', MESSAGES_PATH, body))
    return String(id)
  }

  async function position(): Promise<string | undefined> {
    if (given !== undefined) await writeText(used.store, POSITION_KEY, given)
    given = undefined
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
    for (let more = true; more && items.length < RECEIVE_MAX_ITEMS; ) {
      const query = after === undefined ? '' : `?after=${encodeURIComponent(after)}`
      const page = await device.signed(() => api.json('GET', MESSAGES_PATH + query))
      const read = Array.isArray(page.items) ? page.items.map(readMailItem) : []
      for (const item of read) if (await isForApp(item)) items.push(item)
      after = read.at(-1)?.cursor ?? after
      more = read.length > 0 && page.nextCursor !== null && page.nextCursor !== undefined
    }
    given = after
    return items
  }

  async function* events(
    after: string | undefined,
    signal: AbortSignal,
    onOpen: () => void,
  ): AsyncGenerator<MailItem, void> {
    const query = after === undefined ? '' : `?after=${encodeURIComponent(after)}`
    const response = await device.signed(() =>
      api.call('GET', `/v1/mailbox/events${query}`, undefined, signal),
    )
    onOpen()
    if (response.body === null) return
    for await (const { type, data } of readEvents(response.body)) {
      if (type === 'message') yield readMailItem(parsed(data))
    }
  }

  async function* subscribe(options: { readonly signal?: AbortSignal } = {}): AsyncGenerator<MailItem, void> {
    const ended = new AbortController()
    const signal = options.signal ? AbortSignal.any([options.signal, ended.signal]) : ended.signal
    let after = await position()
    let wait = FIRST_WAIT_MS
    try {
      while (!signal.aborted) {
        touch()
        try {
          // A server ends a stream every few minutes, and when it restarts: that is no failure to wait longer after.
          const onOpen = () => {
            wait = FIRST_WAIT_MS
          }
          for await (const item of events(after, signal, onOpen)) {
            if (await isForApp(item)) yield item
            after = item.cursor
            await writeText(used.store, POSITION_KEY, after)
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
    }
  }

  return {
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
