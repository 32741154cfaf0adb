import { memoryStore } from '@keyhaven/messaging'
import { expect, test } from 'vitest'
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
  const given = await createMailbox(device, () => {}).receive()
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
  const opened: number[] = []
  const ended = new AbortController()
  const device = {
    api: {
      call: async () => {
        opened.push(performance.now())
        if (opened.length === 4) ended.abort()
        return new Response(': open\n\n')
      },
    },
    keys: MINE,
    used: { store: memoryStore() },
    signed: async (run: () => unknown) => run(),
  } as unknown as OpenDevice
  for await (const _ of createMailbox(device, () => {}).subscribe({ signal: ended.signal }))
    expect(_).toBe('nothing')
  // With a wait that doubled it would be 3.5 seconds.
  expect(opened.at(-1)! - opened[0]!).toBeLessThan(2_500)
})
