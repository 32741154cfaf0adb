import { xml } from '@xmpp/client'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startProsody, type TestProsody } from './kit/prosody.ts'
import { TestDevice, TestKeyServer } from './kit/test-conversations.ts'
import { startPerson, type XmppPerson } from './kit/xmpp-people.ts'

const TEXTS = Array.from({ length: 23 }, (_, index) => `number ${index}`)
let prosody: TestProsody
const server = new TestKeyServer()
const people: XmppPerson[] = []
let ana: XmppPerson
let ben: XmppPerson
let conversation: string

async function start(account: string, resource: string, more = {}): Promise<XmppPerson> {
  const person = await startPerson({ service: prosody.service, account, resource, server, ...more })
  people.push(person)
  return person
}

async function readAll(person: XmppPerson, options = {}) {
  const pages: string[][] = []
  for await (const page of person.adapter.archive(options)) {
    pages.push(page.events.map((event) => (event.kind === 'conversation' ? event.message.text : event.kind)))
  }
  return pages
}

beforeAll(async () => {
  prosody = await startProsody(['ana', 'ben', 'mallory'])
  ana = await start('ana', 'phone')
  ben = await start('ben', 'phone')
  conversation = server.create(['ana', 'ben'])
  for (const text of TEXTS) await ana.adapter.send('ben@localhost', conversation, text)
  await ben.until(() => ben.texts().length === TEXTS.length)
})
afterAll(async () => {
  await Promise.all(people.map((person) => person.stop()))
  await prosody.stop()
})

describe("the server's archive", () => {
  it('is decrypted page by page, also by a new device', async () => {
    const tablet = await start('ben', 'tablet')
    const pages = await readAll(tablet, { pageSize: 10 })
    expect(pages.map(({ length }) => length)).toEqual([10, 10, 3])
    expect(pages.flat()).toEqual(TEXTS)
  })

  it('begins with all messages of a page at once: their keys can be asked for together', async () => {
    const device = new TestDevice(server, 'ben')
    let open = 0
    let most = 0
    const conversations: typeof device = Object.assign(Object.create(device), {
      async decrypt(...given: Parameters<typeof device.decrypt>) {
        most = Math.max(most, ++open)
        await new Promise(setImmediate)
        open--
        return device.decrypt(...given)
      },
    })
    const tablet = await start('ben', 'desk', { adapter: { conversations } })
    expect((await readAll(tablet, { pageSize: 10 })).flat()).toEqual(TEXTS)
    expect(most).toBe(10)
  })

  it('is decrypted no further than it is asked for', async () => {
    const tablet = await start('ben', 'watch')
    for await (const page of tablet.adapter.archive({ pageSize: 5 })) {
      expect(page).toMatchObject({ complete: false })
      break
    }
    expect(tablet.device.attempts.size).toBe(5)
  })

  it('reads again what was read before, and marks what this device sent', async () => {
    const pages = ana.adapter.archive({ pageSize: 50 })
    const { value } = await pages.next()
    expect(value?.events).toHaveLength(TEXTS.length)
    expect(value?.events[0]).toMatchObject({
      kind: 'conversation',
      own: true,
      sender: 'checked',
      stanza: { via: 'archive', archiveId: expect.any(String), delayedSince: expect.any(Date) },
    })
    expect((await readAll(ben)).flat()).toEqual(TEXTS)
  })

  it('gives the newest page first on the way back, in its own order', async () => {
    const pages = await readAll(ben, { pageSize: 10, direction: 'backward' })
    expect(pages).toEqual([TEXTS.slice(13), TEXTS.slice(3, 13), TEXTS.slice(0, 3)])
  })

  it('continues behind the last archive id that came with a message', async () => {
    const tenth = ben.events[9]
    const after = tenth?.kind === 'conversation' ? tenth.stanza.archiveId : undefined
    expect((await readAll(ben, { after })).flat()).toEqual(TEXTS.slice(10))
  })

  it('filters by address and time', async () => {
    expect((await readAll(ana, { with: 'ben@localhost' })).flat()).toEqual(TEXTS)
    expect((await readAll(ana, { with: 'mallory@localhost' })).flat()).toEqual([])
    expect((await readAll(ana, { end: new Date(0) })).flat()).toEqual([])
  })

  it('shows a place for what cannot be read, and what is not protected not at all', async () => {
    const foreign = server.create(['mallory'])
    const mallory = await start('mallory', 'laptop')
    await mallory.adapter.send('ana@localhost', foreign, 'not for you')
    await mallory.xmpp.send(
      xml('message', { to: 'ana@localhost', type: 'chat' }, xml('body', {}, 'trust me')),
    )
    const broken = xml('encrypted', { xmlns: 'jabber:encrypted', objectid: 'a b' }, 'AAAA')
    await mallory.xmpp.send(
      xml('message', { to: 'ana@localhost', type: 'chat' }, broken, xml('body', {}, 'b')),
    )
    await ana.until((events) => events.filter(({ kind }) => kind === 'refused').length === 2)
    const { value } = await ana.adapter.archive({ with: 'mallory@localhost' }).next()
    expect(value?.events).toMatchObject([
      { kind: 'refused', error: { code: 'ACCESS_DENIED' } },
      { kind: 'refused', error: { code: 'WIRE_MALFORMED' } },
    ])
    expect(JSON.stringify(value)).not.toContain('trust me')
  })

  it('says why the server refuses', async () => {
    await expect(readAll(ana, { after: 'no-such-id' })).rejects.toMatchObject({
      code: 'UPSTREAM_REFUSED',
      message: 'the archive: item-not-found',
    })
    await expect(readAll(ana, { room: 'nowhere@rooms.localhost' })).rejects.toMatchObject({
      code: 'UPSTREAM_REFUSED',
    })
  })
})
