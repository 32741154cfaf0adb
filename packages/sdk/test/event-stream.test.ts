import { describe, expect, test } from 'vitest'
import { readEvents, type StreamEvent } from '../src/device/event-stream.ts'
import { readMailItem } from '../src/device/mail-item.ts'

async function eventsOf(pieces: readonly string[]): Promise<StreamEvent[]> {
  const encoder = new TextEncoder()
  const stream = new ReadableStream<Uint8Array>({
    start(controller) {
      for (const piece of pieces) controller.enqueue(encoder.encode(piece))
      controller.close()
    },
  })
  const events: StreamEvent[] = []
  for await (const event of readEvents(stream)) events.push(event)
  return events
}

const TEXT =
  ': open\n\nid: 1\nevent: message\ndata: {"a":1}\n\r\ndata:two\r\ndata: lines\r\n\r\n: alive\n\ndata: cut off'
const EVENTS = [
  { type: 'message', data: '{"a":1}' },
  { type: 'message', data: 'two\nlines' },
]

describe('server-sent events', () => {
  test('are the same whole, in two pieces cut anywhere, and character by character', async () => {
    expect(await eventsOf([TEXT])).toEqual(EVENTS)
    expect(await eventsOf([...TEXT])).toEqual(EVENTS)
    for (let at = 0; at < TEXT.length; at++) {
      expect(await eventsOf([TEXT.slice(0, at), TEXT.slice(at)]), `cut at ${at}`).toEqual(EVENTS)
    }
  })

  test('many in one piece may be long together, one line may not', async () => {
    const line = `data: ${'x'.repeat(300_000)}\n\n`
    expect(await eventsOf([line.repeat(8)])).toHaveLength(8)
    await expect(eventsOf([`data: ${'x'.repeat(1_100_000)}`])).rejects.toMatchObject({
      code: 'WIRE_TOO_LARGE',
    })
  })

  test('other types are named, unknown fields passed over', async () => {
    expect(await eventsOf(['event: ping\nretry: 5\nother\ndata\n\n'])).toEqual([{ type: 'ping', data: '' }])
  })
})

describe('an item of the mailbox', () => {
  const item = {
    cursor: '7',
    id: 'a',
    envelope: '{}',
    from: { username: 'anna', device: 'd' },
    receivedAt: '2026-11-21T00:00:00.000Z',
  }

  test('is read', () => {
    expect(readMailItem(item)).toEqual({ ...item, receivedAt: new Date(item.receivedAt) })
  })

  test.each([
    undefined,
    null,
    'text',
    { ...item, cursor: 7 },
    { ...item, id: undefined },
    { ...item, envelope: {} },
    { ...item, from: 'anna' },
    { ...item, from: { username: 'anna' } },
    { ...item, receivedAt: 'today' },
    { ...item, receivedAt: 5 },
  ])('is refused if a member is missing or another type: %j', (value) => {
    expect(() => readMailItem(value)).toThrow(expect.objectContaining({ code: 'WIRE_MALFORMED' }))
  })
})
