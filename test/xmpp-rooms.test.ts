import { xml } from '@xmpp/client'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ROOMS_DOMAIN, startProsody, type TestProsody } from './kit/prosody.ts'
import { TestKeyServer } from './kit/test-conversations.ts'
import { startPerson, type XmppPerson } from './kit/xmpp-people.ts'

const ROOM = `team@${ROOMS_DOMAIN}`
let prosody: TestProsody
const server = new TestKeyServer()
const people: XmppPerson[] = []
let ana: XmppPerson
let ben: XmppPerson
let mallory: XmppPerson
let conversation: string

async function start(account: string, resource: string, more = {}): Promise<XmppPerson> {
  const person = await startPerson({ service: prosody.service, account, resource, server, ...more })
  people.push(person)
  return person
}

/** Waits for the message with this id. */
function arrival(person: XmppPerson, id: string | undefined) {
  return person.until((events) =>
    events.find((event) => event.kind === 'conversation' && event.message.id === id),
  )
}

beforeAll(async () => {
  prosody = await startProsody(['ana', 'ben', 'mallory'])
  ana = await start('ana', 'phone')
  ben = await start('ben', 'phone')
  mallory = await start('mallory', 'phone')
  conversation = server.create(['ana', 'ben', 'mallory'])
})
afterAll(async () => {
  await Promise.all(people.map((person) => person.stop()))
  await prosody.stop()
})

describe('a room that shows its occupants', () => {
  it('is made so by whoever enters it first', async () => {
    expect(await ana.adapter.join(ROOM)).toEqual({ jid: ROOM, nick: 'ana', showsOccupants: true })
    // A nickname says nothing about who it is.
    expect(await ben.adapter.join(ROOM, { nick: 'the other' })).toMatchObject({ showsOccupants: true })
    await mallory.adapter.join(ROOM, { nick: 'ben' })
  })

  it("compares the real address behind the nickname with the signature, and marks one's own echo", async () => {
    const sent = await ben.adapter.sendGroup(ROOM, conversation, 'to the room')
    for (const person of [ana, mallory, ben]) {
      expect(await arrival(person, sent.messageId)).toMatchObject({
        message: { text: 'to the room', from: { username: 'ben' } },
        sender: 'checked',
        own: person === ben,
        stanza: { via: 'room', room: ROOM, from: `${ROOM}/the other`, archiveId: expect.any(String) },
      })
    }
  })

  it('refuses what is signed by somebody else than the occupant', async () => {
    const { keyId, packet } = await (await ben.device.open(conversation)).encrypt('signed by ben')
    const stolen = xml('encrypted', { xmlns: 'jabber:encrypted', objectid: keyId }, packet)
    // The occupant claims in the message to be ben, too.
    const item = xml('item', { jid: ben.jid, affiliation: 'member', role: 'participant' })
    const claim = xml('x', { xmlns: 'http://jabber.org/protocol/muc#user' }, item)
    const store = xml('store', { xmlns: 'urn:xmpp:hints' })
    await mallory.xmpp.send(xml('message', { to: ROOM, type: 'groupchat' }, stolen, claim, store))
    const refusal = await ana.until((events) => events.find(({ kind }) => kind === 'refused'))
    expect(refusal).toMatchObject({
      error: { code: 'SIGNATURE_INVALID' },
      stanza: { from: `${ROOM}/ben` },
    })
  })

  it('knows an occupant also by a private message', async () => {
    const { keyId, packet } = await (await ben.device.open(conversation)).encrypt('between us')
    const whisper = xml('encrypted', { xmlns: 'jabber:encrypted', objectid: keyId }, packet)
    await ben.xmpp.send(xml('message', { to: `${ROOM}/ana`, type: 'chat' }, whisper))
    const event = await ana.until(() => ana.events.find((one) => JSON.stringify(one).includes('between us')))
    expect(event).toMatchObject({ sender: 'checked', stanza: { via: 'direct', room: ROOM } })
  })

  it('follows a change of nickname', async () => {
    await ben.xmpp.send(xml('presence', { to: `${ROOM}/renamed` }))
    const sent = await ben.adapter.sendGroup(ROOM, conversation, 'under a new name')
    expect(await arrival(ana, sent.messageId)).toMatchObject({
      sender: 'checked',
      stanza: { from: `${ROOM}/renamed` },
    })
  })

  it("has an archive that is decrypted page by page, by the room's word about who wrote", async () => {
    const tablet = await start('ana', 'tablet')
    const events = []
    for await (const page of tablet.adapter.archive({ room: ROOM, pageSize: 2 })) events.push(...page.events)
    expect(events).toMatchObject([
      { kind: 'conversation', sender: 'checked', message: { text: 'to the room' }, own: false },
      // Prosody keeps what mallory claims to be beside its own word.
      { kind: 'refused', error: { code: 'WIRE_MALFORMED' } },
      { kind: 'conversation', sender: 'checked', message: { text: 'under a new name' } },
    ])
    expect(events[0]).toMatchObject({ stanza: { via: 'archive', room: ROOM } })
  })

  it('is heard no more once it is left', async () => {
    await mallory.adapter.leave(ROOM)
    const before = mallory.events.length
    const sent = await ana.adapter.sendGroup(ROOM, conversation, 'without mallory')
    await arrival(ben, sent.messageId)
    await ana.adapter.send(mallory.jid, conversation, 'to mallory alone')
    await mallory.until((events) => events.length > before)
    expect(mallory.texts()).not.toContain('without mallory')
  })
})

describe('a room that hides its occupants', () => {
  const hidden = `masked@${ROOMS_DOMAIN}`

  beforeAll(async () => {
    const enter = xml('x', { xmlns: 'http://jabber.org/protocol/muc' })
    await mallory.xmpp.send(xml('presence', { to: `${hidden}/owner` }, enter))
    const form = xml('x', { xmlns: 'jabber:x:data', type: 'submit' })
    const query = xml('query', { xmlns: 'http://jabber.org/protocol/muc#owner' }, form)
    await mallory.xmpp.iqCaller.request(xml('iq', { type: 'set', to: hidden, id: 'config' }, query))
  })

  it('is said to, and senders are said not to be compared', async () => {
    expect(await ana.adapter.join(hidden)).toMatchObject({ showsOccupants: false })
    await ben.adapter.join(hidden)
    const sent = await ben.adapter.sendGroup(hidden, conversation, 'behind a mask')
    expect(await arrival(ana, sent.messageId)).toMatchObject({
      sender: 'unknown',
      message: { from: { username: 'ben' } },
    })
  })

  it('has an archive without senders, whatever an occupant claims to be', async () => {
    const { keyId, packet } = await (await ben.device.open(conversation)).encrypt('passed on')
    const stolen = xml('encrypted', { xmlns: 'jabber:encrypted', objectid: keyId }, packet)
    const claim = xml('x', { xmlns: 'http://jabber.org/protocol/muc#user' }, xml('item', { jid: ben.jid }))
    const store = xml('store', { xmlns: 'urn:xmpp:hints' })
    await mallory.xmpp.send(xml('message', { to: hidden, type: 'groupchat' }, stolen, claim, store))
    await ana.until(() => ana.texts().includes('passed on'))
    const { value } = await ana.adapter.archive({ room: hidden }).next()
    expect(value?.events).toMatchObject([
      { kind: 'conversation', sender: 'unknown', message: { text: 'behind a mask' } },
      { kind: 'conversation', sender: 'unknown', message: { text: 'passed on' } },
    ])
    // The claim is there.
    expect(await prosody.stored()).toMatch(/\["jid"\] = "ben@localhost\/phone"/)
  })
})

describe('a room that refuses', () => {
  it('says why', async () => {
    const locked = `locked@${ROOMS_DOMAIN}`
    const field = (name: string, value: string) => xml('field', { var: name }, xml('value', {}, value))
    await ben.adapter.join(locked)
    const form = xml(
      'x',
      { xmlns: 'jabber:x:data', type: 'submit' },
      field('FORM_TYPE', 'http://jabber.org/protocol/muc#roomconfig'),
      field('muc#roomconfig_roomsecret', 'sesame'),
      field('muc#roomconfig_passwordprotectedroom', '1'),
    )
    const query = xml('query', { xmlns: 'http://jabber.org/protocol/muc#owner' }, form)
    await ben.xmpp.iqCaller.request(xml('iq', { type: 'set', to: locked, id: 'config' }, query))
    await expect(ana.adapter.join(locked)).rejects.toMatchObject({
      code: 'UPSTREAM_REFUSED',
      message: 'the room refuses: not-authorized',
    })
    expect(await ana.adapter.join(locked, { password: 'sesame' })).toMatchObject({ showsOccupants: true })
    await expect(ana.adapter.join('room@nowhere.localhost')).rejects.toMatchObject({
      code: 'UPSTREAM_REFUSED',
    })
  })
})
