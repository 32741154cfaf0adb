import type { XmlElement, XmppElement } from '@keyhaven/conversations/xmpp'
import { xml } from '@xmpp/client'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startProsody, type TestProsody } from './kit/prosody.ts'
import { TestKeyServer } from './kit/test-conversations.ts'
import { startPerson, type XmppPerson } from './kit/xmpp-people.ts'

const NS_ENCRYPTED = 'jabber:encrypted'
let prosody: TestProsody
const server = new TestKeyServer()
const people: XmppPerson[] = []
let ana: XmppPerson
let ben: XmppPerson
let mallory: XmppPerson
let conversation: string
let stopReading: AbortController

async function start(account: string, resource: string, more = {}): Promise<XmppPerson> {
  const person = await startPerson({ service: prosody.service, account, resource, server, ...more })
  people.push(person)
  return person
}

/** What ana sends to the server, to be used by mallory. */
const sentByAna: XmlElement[] = []

beforeAll(async () => {
  prosody = await startProsody(['ana', 'ben', 'mallory'])
  ana = await start('ana', 'phone', {
    prepare: (xmpp: { on(event: string, listener: (element: XmlElement) => void): void }) =>
      xmpp.on('send', (element) => sentByAna.push(element)),
  })
  ben = await start('ben', 'phone')
  mallory = await start('mallory', 'phone')
  conversation = server.create(['ana', 'ben', 'mallory'])
  stopReading = new AbortController()
})
afterAll(async () => {
  stopReading.abort()
  await Promise.all(people.map((person) => person.stop()))
  await prosody.stop()
})

async function encryptedBy(person: XmppPerson, text: string): Promise<XmppElement> {
  const { keyId, packet } = await (await person.device.open(conversation)).encrypt(text)
  return xml('encrypted', { xmlns: NS_ENCRYPTED, objectid: keyId }, packet)
}

function forwarded(from: string, to: string, ...children: XmppElement[]): XmppElement {
  const message = xml('message', { xmlns: 'jabber:client', from, to, type: 'chat' }, ...children)
  return xml('forwarded', { xmlns: 'urn:xmpp:forward:0' }, message)
}

/**
 * Sends ana these children from mallory's real account, and then something real; returns what ana made of
 * them.
 */
async function attack(...children: XmppElement[]) {
  const before = ana.events.length
  await mallory.xmpp.send(xml('message', { to: ana.jid, type: 'chat' }, ...children))
  const { messageId } = await mallory.adapter.send(ana.jid, conversation, 'afterwards')
  await ana.until((events) =>
    events.some((event) => event.kind === 'conversation' && event.message.id === messageId),
  )
  return ana.events.slice(before, -1)
}

describe('forged stanzas from another account', () => {
  it('a carbon of a message that ben sent', async () => {
    const real = await encryptedBy(ben, 'from ben')
    const received = xml(
      'received',
      { xmlns: 'urn:xmpp:carbons:2' },
      forwarded(ben.jid, 'ana@localhost', real),
    )
    expect(await attack(received)).toMatchObject([
      { kind: 'refused', error: { code: 'ACCESS_DENIED' }, stanza: { via: 'carbon', from: mallory.jid } },
    ])
  })

  it('a carbon of a message that ana sent herself', async () => {
    const own = await encryptedBy(ana, 'from ana')
    const sent = xml('sent', { xmlns: 'urn:xmpp:carbons:2' }, forwarded(ana.jid, ben.jid, own))
    expect(await attack(sent)).toMatchObject([{ kind: 'refused', error: { code: 'ACCESS_DENIED' } }])
  })

  it('an archive result without a query, and one with an unknown query id', async () => {
    const real = await encryptedBy(ben, 'from ben')
    for (const attrs of [{ id: '1' }, { id: '1', queryid: 'guessed' }, { id: '1', queryid: '' }]) {
      const inner = forwarded(ben.jid, 'ana@localhost', real)
      const result = xml('result', { xmlns: 'urn:xmpp:mam:2', ...(attrs as Record<string, string>) }, inner)
      expect(await attack(result)).toMatchObject([
        { kind: 'refused', error: { message: 'an archive result that was not asked for' } },
      ])
    }
  })

  it('an archive result with the id of an open query', async () => {
    const real = await encryptedBy(ben, 'from ben')
    // The server's answer is held back, so that the query is open for as long as the attack takes.
    const iqCaller = ana.xmpp.iqCaller as { request: (...words: never[]) => Promise<XmlElement> }
    const request = iqCaller.request
    let release = (): void => {}
    iqCaller.request = async (...words) => {
      const answer = await request.apply(iqCaller, words)
      await new Promise<void>((resolve) => {
        release = resolve
      })
      return answer
    }
    const page = ana.adapter.archive({ with: 'ben@localhost' }).next()
    iqCaller.request = request
    const queryId = await untilSent((element) => (element.name === 'iq' ? queryIdOf(element) : undefined))
    const inner = forwarded(ben.jid, 'ana@localhost', real)
    const result = xml('result', { xmlns: 'urn:xmpp:mam:2', id: '1', queryid: queryId }, inner)
    expect(await attack(result)).toMatchObject([
      { kind: 'refused', error: { message: 'an archive result from elsewhere' } },
    ])
    release()
    expect((await page).value).toMatchObject({ events: [] })
  })

  it("another member's packet under mallory's name", async () => {
    const real = await encryptedBy(ben, 'signed by ben')
    expect(await attack(real)).toMatchObject([{ kind: 'refused', error: { code: 'SIGNATURE_INVALID' } }])
  })

  it('a packet that does not open, with a body beside it', async () => {
    const keyId = server.current.get(conversation)!
    const forged = xml('encrypted', { xmlns: NS_ENCRYPTED, objectid: keyId }, 'AQ'.repeat(100))
    const refusals = await attack(forged, xml('body', {}, 'trust me'))
    expect(refusals).toMatchObject([{ kind: 'refused', error: { code: 'OPEN_FAILED' } }])
    expect(JSON.stringify(refusals)).not.toContain('trust me')
  })

  it('a body beside a real packet is not part of the message', async () => {
    const real = await encryptedBy(mallory, 'what mallory signed')
    const [event] = await attack(real, xml('body', {}, 'what mallory did not sign'))
    expect(event).toMatchObject({ kind: 'conversation', message: { text: 'what mallory signed' } })
    expect(JSON.stringify(event)).not.toContain('did not sign')
  })

  it('a body in place of a packet, with the name of the encryption', async () => {
    const eme = xml('encryption', { xmlns: 'urn:xmpp:eme:0', namespace: NS_ENCRYPTED, name: 'Keyhaven' })
    expect(await attack(eme, xml('body', {}, 'trust me'))).toEqual([])
  })

  it('two packets, of which one is real', async () => {
    const one = await encryptedBy(mallory, 'one')
    const two = await encryptedBy(mallory, 'two')
    expect(await attack(one, two)).toMatchObject([{ kind: 'refused', error: { code: 'WIRE_MALFORMED' } }])
  })

  it('an unknown key, and one of a conversation that ana is not in', async () => {
    const unknown = xml('encrypted', { xmlns: NS_ENCRYPTED, objectid: 'unknown' }, 'AQAA')
    expect(await attack(unknown)).toMatchObject([{ kind: 'refused', error: { code: 'NOT_FOUND' } }])
  })

  it('a packet that was read before', async () => {
    const real = await encryptedBy(mallory, 'once')
    expect(await attack(real)).toMatchObject([{ kind: 'conversation', message: { text: 'once' } }])
    expect(await attack(real)).toEqual([])
  })

  it("a room's message of a room that ana is not in", async () => {
    const real = await encryptedBy(ben, 'in the room')
    const before = ana.events.length
    const to = ana.jid
    await mallory.xmpp.send(xml('message', { to, type: 'groupchat' }, real))
    expect(await attack()).toEqual([])
    expect(ana.events.slice(before)).toHaveLength(1)
  })

  it('a carbon within a carbon, and one with two messages', async () => {
    const real = await encryptedBy(ben, 'from ben')
    const inner = forwarded(ben.jid, 'ana@localhost', real)
    const carbon = xml('received', { xmlns: 'urn:xmpp:carbons:2' }, inner)
    expect(await attack(xml('received', { xmlns: 'urn:xmpp:carbons:2' }, inner), carbon)).toMatchObject([
      { kind: 'refused' },
    ])
    expect(await attack(inner)).toEqual([])
  })
})

function queryIdOf(iq: XmlElement): string | undefined {
  const [query] = iq.children
  return typeof query === 'object' ? query.attrs.queryid : undefined
}

async function untilSent<T>(find: (element: XmlElement) => T | undefined): Promise<T> {
  for (;;) {
    for (const element of sentByAna) {
      const found = find(element)
      if (found !== undefined) return found
    }
    await new Promise((resolve) => setImmediate(resolve))
  }
}
