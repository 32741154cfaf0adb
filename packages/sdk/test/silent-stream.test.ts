import { memoryStore } from '@keyhaven/messaging'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { readEvents, STREAM_SILENCE_MS } from '../src/device/event-stream.ts'
import { createMailbox } from '../src/device/mailbox.ts'
import type { OpenDevice } from '../src/device/open-device.ts'

const HEARTBEAT_MS = 15_000

beforeEach(() => {
  vi.useFakeTimers()
})
afterEach(() => {
  vi.useRealTimers()
})

/**
 * A connection of which nothing comes any more, unless `say` is called; it fails when it is aborted, as a
 * channel's.
 */
function connection(signal?: AbortSignal) {
  let say = (_: string): void => {}
  const body = new ReadableStream<Uint8Array>({
    start(controller) {
      say = (text) => controller.enqueue(new TextEncoder().encode(text))
      signal?.addEventListener('abort', () => controller.error(signal.reason))
    },
  })
  return { body, say: (text: string) => say(text) }
}

test('a silent stream is told of, once; one with a heartbeat is not', async () => {
  const ended = new AbortController()
  const { body, say } = connection(ended.signal)
  const onSilence = vi.fn(() => ended.abort())
  const reading = readEvents(body, onSilence).next()
  for (let beats = 0; beats < 10; beats++) {
    say(': alive\n\n')
    await vi.advanceTimersByTimeAsync(HEARTBEAT_MS)
  }
  expect(onSilence).not.toHaveBeenCalled()
  const refused = expect(reading).rejects.toMatchObject({ name: 'AbortError' })
  await vi.advanceTimersByTimeAsync(STREAM_SILENCE_MS - HEARTBEAT_MS)
  expect(onSilence).toHaveBeenCalledOnce()
  await refused
})

test('the time that the app takes with an event is not silence', async () => {
  const { body, say } = connection()
  const onSilence = vi.fn()
  const events = readEvents(body, onSilence)
  say('data: 1\n\n')
  expect((await events.next()).value?.data).toBe('1')
  await vi.advanceTimersByTimeAsync(10 * STREAM_SILENCE_MS)
  expect(onSilence).not.toHaveBeenCalled()
})

test('a subscription whose stream has fallen silent connects again, and goes on where it was', async () => {
  const asked: string[] = []
  const device = {
    api: {
      call: async (_method: string, path: string, _body: undefined, signal: AbortSignal) => {
        asked.push(path)
        const { body, say } = connection(signal)
        const item = {
          cursor: String(asked.length),
          id: `${asked.length}`,
          envelope: `item ${asked.length}`,
          from: { username: 'anna', device: 'A'.repeat(22) },
          receivedAt: '2026-11-21T00:00:00.000Z',
        }
        say(`event: message\ndata: ${JSON.stringify(item)}\n\n`)
        return new Response(body)
      },
    },
    keys: { username: 'ben', device: `${'B'.repeat(21)}A` },
    used: { store: memoryStore() },
    signed: async (run: () => unknown) => run(),
  } as unknown as OpenDevice
  const { mailbox } = createMailbox(device, () => {})
  const ended = new AbortController()
  const mail = mailbox.subscribe({ signal: ended.signal })
  expect((await mail.next()).value?.envelope).toBe('item 1')
  const next = mail.next()
  await vi.advanceTimersByTimeAsync(STREAM_SILENCE_MS - 1)
  expect(asked).toHaveLength(1)
  await vi.advanceTimersByTimeAsync(1_000)
  expect((await next).value?.envelope).toBe('item 2')
  expect(asked).toEqual(['/v1/mailbox/events', '/v1/mailbox/events?after=1'])
  ended.abort()
  await mail.return?.()
})
