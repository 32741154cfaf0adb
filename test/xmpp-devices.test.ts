import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startProsody, type TestProsody } from './kit/prosody.ts'
import { TestKeyServer } from './kit/test-conversations.ts'
import { startPerson, type XmppPerson } from './kit/xmpp-people.ts'

const MARKER = 'the marker is a purple giraffe'
let prosody: TestProsody
const server = new TestKeyServer()
const people: XmppPerson[] = []
let anaPhone: XmppPerson
let anaLaptop: XmppPerson
let benPhone: XmppPerson
let benLaptop: XmppPerson
let conversation: string

async function start(account: string, resource: string, more = {}): Promise<XmppPerson> {
  const person = await startPerson({ service: prosody.service, account, resource, server, ...more })
  people.push(person)
  return person
}

beforeAll(async () => {
  prosody = await startProsody(['ana', 'ben', 'cid', 'mallory'])
  anaPhone = await start('ana', 'phone')
  anaLaptop = await start('ana', 'laptop')
  benPhone = await start('ben', 'phone')
  benLaptop = await start('ben', 'laptop')
  conversation = server.create(['ana', 'ben'])
})
afterAll(async () => {
  await Promise.all(people.map((person) => person.stop()))
  await prosody.stop()
})

describe('two accounts with two devices each, through a real Prosody', () => {
  it('shows a message on every device, marked as own on the other device of its sender', async () => {
    const sent = await anaPhone.adapter.send('ben@localhost', conversation, `${MARKER} 1`)
    await sent.accepted
    for (const person of [anaLaptop, benPhone, benLaptop]) {
      const event = await person.until((events) =>
        events.find((one) => one.kind === 'conversation' && one.message.id === sent.messageId),
      )
      expect(event).toMatchObject({
        kind: 'conversation',
        message: { text: `${MARKER} 1`, from: { username: 'ana', device: anaPhone.device.device } },
        own: person === anaLaptop,
        sender: 'checked',
        stanza: {
          via: person === anaLaptop ? 'carbon' : 'direct',
          from: anaPhone.jid,
          originId: sent.stanzaIds[0],
          archiveId: expect.any(String),
        },
      })
    }
    expect(anaPhone.events).toEqual([])
  })

  it('copies a message to one device to the others of its receiver', async () => {
    const sent = await anaPhone.adapter.send(benLaptop.jid, conversation, 'for the laptop')
    const carbon = await benPhone.until((events) =>
      events.find((one) => one.kind === 'conversation' && one.message.id === sent.messageId),
    )
    expect(carbon).toMatchObject({
      own: false,
      sender: 'checked',
      stanza: { via: 'carbon', to: benLaptop.jid },
    })
  })

  it('reads on under a new objectid', async () => {
    const before = server.current.get(conversation)
    const after = server.rotate(conversation, ['ana', 'ben'])
    expect(after).not.toBe(before)
    const sent = await benPhone.adapter.send('ana@localhost', conversation, 'under the new key')
    for (const person of [anaPhone, anaLaptop, benLaptop]) {
      await person.until((events) =>
        events.some((one) => one.kind === 'conversation' && one.message.id === sent.messageId),
      )
    }
    expect(await prosody.stored()).toContain(after)
  })

  it('sends one packet to several addresses, and shows it once on the own other device', async () => {
    const group = server.create(['ana', 'ben', 'cid'])
    const cid = await start('cid', 'phone')
    const sent = await anaPhone.adapter.send(['ben@localhost', 'cid@localhost'], group, 'to both')
    expect(new Set(sent.stanzaIds).size).toBe(2)
    for (const person of [benPhone, cid]) await person.until(() => person.texts().includes('to both'))
    // Behind the second copy.
    await anaPhone.adapter.send('ben@localhost', conversation, 'afterwards')
    await anaLaptop.until(() => anaLaptop.texts().includes('afterwards'))
    expect(anaLaptop.device.attempts.get(sent.messageId ?? '')).toBe(2)
    expect(anaLaptop.texts().filter((text) => text === 'to both')).toHaveLength(1)
  })

  it('keeps the order of calls', async () => {
    const numbers = Array.from({ length: 100 }, (_, index) => `number ${index}`)
    await Promise.all(numbers.map((text) => anaPhone.adapter.send('ben@localhost', conversation, text)))
    await benPhone.until(() => benPhone.texts().includes('number 99'))
    expect(benPhone.texts().filter((text) => text.startsWith('number'))).toEqual(numbers)
  })

  it('delivers to a device that was offline, when it comes back', async () => {
    await Promise.all([benPhone.stop(), benLaptop.stop()])
    const texts = ['while you were out', 'and another one']
    for (const text of texts)
      await (await anaPhone.adapter.send('ben@localhost', conversation, text)).accepted
    benPhone = await start('ben', 'phone', { device: benPhone.device })
    await benPhone.until(() => benPhone.texts().length >= 2)
    expect(benPhone.texts()).toEqual(texts)
    const [first] = benPhone.events
    expect(first).toMatchObject({ sender: 'checked', stanza: { delayedSince: expect.any(Date) } })
  })

  it('refuses who is no member, and says so', async () => {
    const mallory = await start('mallory', 'laptop')
    const sent = await anaPhone.adapter.send('mallory@localhost', conversation, 'by mistake')
    const event = await mallory.until((events) => events.find(({ kind }) => kind === 'refused'))
    expect(event).toMatchObject({ error: { code: 'ACCESS_DENIED' }, stanza: { originId: sent.stanzaIds[0] } })
    expect(JSON.stringify(event)).not.toContain('by mistake')
  })

  it('reads again what was refused for a reason that has passed', async () => {
    const later = server.create(['ana'])
    await anaPhone.adapter.send('ben@localhost', later, 'not yet')
    const refusal = await benPhone.until((events) => events.find((one) => one.kind === 'refused'))
    expect(refusal).toMatchObject({ kind: 'refused', error: { code: 'ACCESS_DENIED' } })
    if (refusal.kind !== 'refused') return
    expect(await benPhone.adapter.readAgain(refusal)).toMatchObject({ error: { code: 'ACCESS_DENIED' } })
    const keyId = server.current.get(later)!
    server.keys.set(keyId, { ...server.keys.get(keyId)!, members: new Set(['ana', 'ben']) })
    expect(await benPhone.adapter.readAgain(refusal)).toMatchObject({ message: { text: 'not yet' } })
    // Once.
    expect(await benPhone.adapter.readAgain(refusal)).toBeUndefined()
  })

  it('says when the server returns a message', async () => {
    const sent = await anaPhone.adapter.send('nobody@localhost', conversation, 'to nobody')
    const event = await anaPhone.until((events) =>
      events.find((one) => one.kind === 'undelivered' && one.stanzaId === sent.stanzaIds[0]),
    )
    expect(event).toEqual({
      kind: 'undelivered',
      to: 'nobody@localhost',
      stanzaId: sent.stanzaIds[0],
      condition: 'service-unavailable',
    })
  })

  it('refuses what the server would end the stream for', async () => {
    const large = anaPhone.adapter.send('ben@localhost', conversation, 'x'.repeat(196_608))
    await expect(large).rejects.toMatchObject({ code: 'WIRE_TOO_LARGE' })
    const fits = 'x'.repeat(180_000)
    await anaPhone.adapter.send('ben@localhost', conversation, fits)
    await benPhone.until(() => benPhone.texts().includes(fits))
  })

  it('leaves nothing readable with the server', async () => {
    const stored = await prosody.stored()
    // What is searched, holds the messages: their packets are there.
    expect(stored).toContain('jabber:encrypted')
    for (const text of [MARKER, 'purple giraffe', 'for the laptop', 'while you were out']) {
      expect(stored).not.toContain(text)
      expect(stored).not.toContain(Buffer.from(text).toString('base64').slice(0, 12))
    }
    for (const { key } of server.keys.values()) {
      expect(stored).not.toContain(Buffer.from(key.bytes).toString('base64').slice(0, 40))
      expect(stored).not.toContain(Buffer.from(key.bytes).toString('base64url').slice(0, 40))
    }
    // Nothing is published about devices and keys.
    expect(stored).not.toContain('pubsub')
    expect(stored).not.toContain(anaPhone.device.device)
  })
})
