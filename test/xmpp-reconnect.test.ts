import { xml } from '@xmpp/client'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type CutProxy, startCutProxy } from './kit/cut-proxy.ts'
import { ROOMS_DOMAIN, startProsody, type TestProsody } from './kit/prosody.ts'
import { TestKeyServer } from './kit/test-conversations.ts'
import { startPerson, type XmppPerson } from './kit/xmpp-people.ts'

const ROOM = `team@${ROOMS_DOMAIN}`
let prosody: TestProsody
let proxy: CutProxy
const server = new TestKeyServer()
const people: XmppPerson[] = []
/** Reaches the server through the proxy. */
let ana: XmppPerson
let ben: XmppPerson
let conversation: string

beforeAll(async () => {
  prosody = await startProsody(['ana', 'ben'])
  proxy = await startCutProxy(prosody.port)
  const service = `xmpp://127.0.0.1:${proxy.port}`
  ana = await startPerson({ service, account: 'ana', resource: 'train', server })
  ben = await startPerson({ service: prosody.service, account: 'ben', resource: 'home', server })
  people.push(ana, ben)
  conversation = server.create(['ana', 'ben'])
})
afterAll(async () => {
  await Promise.all(people.map((person) => person.stop()))
  await proxy.stop()
  await prosody.stop()
})

function once(events: { on(event: string, listener: () => void): unknown }, name: string): Promise<void> {
  return new Promise((resolve) => {
    events.on(name, () => resolve())
  })
}

const numbers = (what: string, count: number) =>
  Array.from({ length: count }, (_, index) => `${what} ${index}`)

async function sendAll(person: XmppPerson, to: string, texts: readonly string[]) {
  return Promise.all(texts.map((text) => person.adapter.send(to, conversation, text)))
}
async function allArrived(person: XmppPerson, texts: readonly string[]): Promise<void> {
  await person.until(() => texts.every((text) => person.texts().includes(text)))
  await person.adapter.idle()
  // Each once, and in order.
  expect(person.texts().filter((text) => texts.includes(text))).toEqual(texts)
}

describe('a connection that breaks', () => {
  it('loses nothing of what is sent while it is gone, and resumes the session', async () => {
    const resumed = once(ana.xmpp.streamManagement, 'resumed')
    const disconnected = once(ana.xmpp, 'disconnect')
    proxy.cut(true)
    await disconnected
    const texts = numbers('in the tunnel', 20)
    const sent = await sendAll(ana, 'ben@localhost', texts)
    proxy.restore()
    await resumed
    await Promise.all(sent.map(({ accepted }) => accepted))
    await allArrived(ben, texts)
  })

  it('sends again what the server never got, though it was written', async () => {
    proxy.swallow()
    const texts = numbers('into the void', 20)
    const sent = await sendAll(ana, 'ben@localhost', texts)
    await new Promise((resolve) => setTimeout(resolve, 50))
    proxy.cut()
    await Promise.all(sent.map(({ accepted }) => accepted))
    await allArrived(ben, texts)
  })

  it('gets what was sent to it meanwhile', async () => {
    const disconnected = once(ana.xmpp, 'disconnect')
    proxy.cut(true)
    await disconnected
    const texts = numbers('to the train', 20)
    for (const { accepted } of await sendAll(ben, 'ana@localhost', texts)) await accepted
    proxy.restore()
    await allArrived(ana, texts)
  })

  it('sends again in a new session what the old one cannot resume: the receiver sees it once', async () => {
    const session = ana.until((events) => events.find(({ kind }) => kind === 'session'))
    proxy.swallow()
    const lost = await sendAll(ana, 'ben@localhost', numbers('before', 5))
    await new Promise((resolve) => setTimeout(resolve, 50))
    // The server will not know this session.
    ana.xmpp.streamManagement.id = 'forgotten'
    proxy.cut()
    const late = await sendAll(ana, 'ben@localhost', numbers('after', 5))
    await session
    await Promise.all([...lost, ...late].map(({ accepted }) => accepted))
    await allArrived(ben, [...numbers('before', 5), ...numbers('after', 5)])
  })

  it('is in its rooms again in a new session, and reads in the archive what it missed', async () => {
    await ana.adapter.join(ROOM)
    await ben.adapter.join(ROOM)
    const first = await ben.adapter.sendGroup(ROOM, conversation, 'first')
    const seen = await ana.until((events) =>
      events.find((event) => event.kind === 'conversation' && event.message.id === first.messageId),
    )
    const sessions = ana.events.filter(({ kind }) => kind === 'session').length
    const disconnected = once(ana.xmpp, 'disconnect')
    proxy.cut(true)
    await disconnected
    ana.xmpp.streamManagement.id = 'forgotten'
    const missed = await ben.adapter.sendGroup(ROOM, conversation, 'missed')
    await missed.accepted
    proxy.restore()
    await ana.until((events) => events.filter(({ kind }) => kind === 'session').length > sessions)
    const last = await ben.adapter.sendGroup(ROOM, conversation, 'last')
    await ana.until(() => ana.texts().includes('last'))
    const after = seen.kind === 'conversation' ? seen.stanza.archiveId! : ''
    const { value } = await ana.adapter.archive({ room: ROOM, after }).next()
    expect(value?.events).toMatchObject([
      { message: { id: missed.messageId, text: 'missed' }, sender: 'checked' },
      { message: { id: last.messageId, text: 'last' }, sender: 'checked' },
    ])
  })

  it('logs in again also when the last log-in broke in the middle', async () => {
    const resumed = once(ana.xmpp.streamManagement, 'resumed')
    let challenges = 0
    ana.xmpp.on('nonza', ({ name }: { name: string }) => {
      if (name === 'challenge' && ++challenges <= 2) proxy.cut()
    })
    proxy.cut()
    const texts = numbers('while logging in', 5)
    const sent = await sendAll(ana, 'ben@localhost', texts)
    await resumed
    expect(challenges).toBeGreaterThan(2)
    await Promise.all(sent.map(({ accepted }) => accepted))
    await allArrived(ben, texts)
  })

  it('loses nothing however often it breaks', async () => {
    const before = ben.device.attempts.size
    const texts = numbers('again', 200)
    const breaking = setInterval(() => proxy.cut(), 350)
    const sent = []
    for (const text of texts) {
      sent.push(await ana.adapter.send('ben@localhost', conversation, text))
      await new Promise((resolve) => setTimeout(resolve, 10))
    }
    clearInterval(breaking)
    await Promise.all(sent.map(({ accepted }) => accepted))
    await ben.until(() => texts.every((text) => ben.texts().includes(text)))
    await ben.adapter.idle()
    expect(ben.texts().filter((text) => texts.includes(text))).toHaveLength(texts.length)
    expect(ben.device.attempts.size - before).toBe(texts.length)
  })
})

describe('delivery that is not in order', () => {
  it('shows each message once, whatever comes twice and in whatever order', async () => {
    const { encrypt } = await ana.device.open(conversation)
    const texts = numbers('shuffled', 10)
    const packets = []
    for (const text of texts) packets.push(await encrypt(text))
    const order = [7, 3, 9, 3, 0, 7, 1, 8, 2, 6, 0, 5, 4, 9]
    for (const index of order) {
      const { keyId, packet } = packets[index]!
      const encrypted = xml('encrypted', { xmlns: 'jabber:encrypted', objectid: keyId }, packet)
      await ana.xmpp.send(xml('message', { to: ben.jid, type: 'chat' }, encrypted))
    }
    await ben.until(() => texts.every((text) => ben.texts().includes(text)))
    await ben.adapter.idle()
    const shown = [...new Set(order)].map((index) => texts[index])
    expect(ben.texts().filter((text) => texts.includes(text))).toEqual(shown)
  })
})
