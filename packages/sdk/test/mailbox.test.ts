import { memoryStore } from '@keyhaven/messaging'
import { expect, test, vi } from 'vitest'
import { createMailbox } from '../src/device/mailbox.ts'
import type { OpenDevice } from '../src/device/open-device.ts'

const MINE = { username: 'ben', device: `${'B'.repeat(21)}A` }
const ANNA = { username: 'anna', device: 'A'.repeat(22) }
const MALLORY = { username: 'mallory', device: `${'M'.repeat(21)}A` }
const HASH = 'A'.repeat(43)
const ID = 'A'.repeat(22)

const envelope = (from: object) =>
  JSON.stringify({
    v: 1,
    type: 'keyhaven-message',
    application: 'demo',
    session: ID,
    from,
    n: 0,
    ciphertext: '',
  })

function repairRequest(from: object): string {
  const request = { v: 1, application: 'demo', id: ID, from: { ...from, entry: HASH }, to: MINE, session: ID }
  const payload = Buffer.from(JSON.stringify({ ...request, numbers: [0], issued: 0 })).toString('base64url')
  return JSON.stringify({ v: 1, type: 'keyhaven-repair', jws: `e30.${payload}.AA` })
}

/** What the app gets of these items, and which repair requests are answered. */
async function received(items: readonly { from: object; envelope: string }[]) {
  const answered: string[] = []
  const mail = items.map((item, at) => ({ ...item, id: `${at}`, cursor: `${at}`, receivedAt: '2026-11-21' }))
  const device = {
    api: {
      json: async (method: string) => (method === 'GET' ? { items: mail, nextCursor: null } : { id: 'x' }),
    },
    keys: MINE,
    messenger: {
      answerRepair: async (request: string) => {
        answered.push(request)
        return { to: ANNA, envelope: 'answer' }
      },
    },
    used: { store: memoryStore() },
    signed: async (run: () => unknown) => run(),
  } as unknown as OpenDevice
  const given = await createMailbox(device, () => {}).mailbox.receive()
  return { given: given.map((item) => item.envelope), answered }
}

test('what names another sender than the mailbox does is dropped: nobody is looked up for it', async () => {
  const [real, forged] = [envelope(ANNA), envelope({ username: 'nobody 1', device: ID })]
  const { given } = await received([
    { from: ANNA, envelope: real },
    { from: MALLORY, envelope: forged },
    { from: MALLORY, envelope: envelope({ ...MALLORY, username: 'anna' }) },
    { from: MALLORY, envelope: envelope({ ...MALLORY, device: ANNA.device }) },
    { from: MALLORY, envelope: 'of the app itself' },
  ])
  expect(given).toEqual([real, 'of the app itself'])
})

test('a repair request is answered only if its sender sent it', async () => {
  const real = repairRequest(ANNA)
  const { given, answered } = await received([
    { from: ANNA, envelope: real },
    { from: MALLORY, envelope: real },
    { from: MALLORY, envelope: repairRequest({ ...ANNA, username: 'nobody 1' }) },
  ])
  expect(answered).toEqual([real])
  expect(given).toEqual([])
})

test('a stream that the server has ended is opened again soon, each time', async () => {
  vi.useFakeTimers()
  let opened = 0
  const ended = new AbortController()
  const device = {
    api: {
      call: async () => {
        opened++
        return new Response(': open\n\n')
      },
    },
    keys: MINE,
    used: { store: memoryStore() },
    signed: async (run: () => unknown) => run(),
  } as unknown as OpenDevice
  const given: unknown[] = []
  const reading = (async () => {
    for await (const item of createMailbox(device, () => {}).mailbox.subscribe({ signal: ended.signal })) {
      given.push(item)
    }
  })()
  try {
    // With a wait that doubled the fourth would come after 3.5 seconds.
    await vi.advanceTimersByTimeAsync(2_500)
    expect(opened).toBeGreaterThanOrEqual(4)
  } finally {
    ended.abort()
    vi.useRealTimers()
  }
  await reading
  expect(given).toEqual([])
})

/** A mailbox of these envelopes of Anna's, which gives those after the cursor, and then waits. */
function mailboxOf(envelopes: readonly string[], store = memoryStore()) {
  const mail = envelopes.map((text, at) => ({
    from: ANNA,
    envelope: text,
    id: `${at}`,
    cursor: `${at + 1}`,
    receivedAt: '2026-11-21',
  }))
  const after = (path: string) => Number(new URLSearchParams(path.split('?')[1]).get('after') ?? 0)
  const device = {
    api: {
      json: async (_method: string, path: string) => ({ items: mail.slice(after(path)), nextCursor: null }),
      call: async (_method: string, path: string, _body: undefined, signal: AbortSignal) => {
        const events = mail.slice(after(path)).map((item) => `data: ${JSON.stringify(item)}\n\n`)
        const stream = new ReadableStream({
          start(controller) {
            controller.enqueue(new TextEncoder().encode(events.join('')))
            signal.addEventListener('abort', () => controller.error(signal.reason))
          },
        })
        return new Response(stream)
      },
    },
    keys: MINE,
    used: { store },
    signed: async (run: () => unknown) => run(),
  } as unknown as OpenDevice
  return createMailbox(device, () => {})
}

const MAIL = ['first', 'second', 'third']
const given = async (store: ReturnType<typeof memoryStore>) =>
  (await mailboxOf(MAIL, store).mailbox.receive()).map((item) => item.envelope)

test('closing ends every subscription, also one that waits, and one that begins later', async () => {
  const { mailbox, close } = mailboxOf(['first'])
  const waiting = mailbox.subscribe()
  expect((await waiting.next()).value?.envelope).toBe('first')
  const next = waiting.next()
  await close()
  expect(await next).toEqual({ done: true, value: undefined })
  expect(await mailbox.subscribe().next()).toEqual({ done: true, value: undefined })
})

test('what was decrypted before a clean close is not given again; what was not, is', async () => {
  const store = memoryStore()
  const { mailbox, read, close } = mailboxOf(MAIL, store)
  expect(await mailbox.receive()).toHaveLength(3)
  read('first')
  // Behind one that was not read: it comes again with it.
  read('third')
  await close()
  expect(await given(store)).toEqual(['second', 'third'])
})

test('what was given counts as read once the app asks for more', async () => {
  const store = memoryStore()
  const { mailbox, close } = mailboxOf(MAIL, store)
  await mailbox.receive()
  expect(await mailbox.receive()).toEqual([])
  await close()
  expect(await given(store)).toEqual([])
})

test.each([
  ['was decrypted', true, ['second', 'third']],
  ['failed', false, ['first', 'second', 'third']],
])('leaving a subscription at an item that %s', async (_, isRead, left) => {
  const store = memoryStore()
  const { mailbox, read } = mailboxOf(MAIL, store)
  for await (const { envelope: text } of mailbox.subscribe()) {
    if (isRead) read(text)
    break
  }
  expect(await given(store)).toEqual(left)
})

test('an item under way when the device is closed is given again, and nothing is written after', async () => {
  const store = memoryStore()
  let isClosed = false
  const guarded: typeof store = {
    ...store,
    commit: (change) => {
      if (isClosed) throw new Error('the store is closed')
      return store.commit(change)
    },
  }
  const { mailbox, close } = mailboxOf(MAIL, guarded)
  const mail = mailbox.subscribe()
  await mail.next()
  await close()
  isClosed = true
  expect((await mail.next()).done).toBe(true)
  expect(await given(store)).toEqual(MAIL)
})
