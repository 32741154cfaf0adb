import { FALLBACK_BODY } from '@keyhaven/conversations/xmpp'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { startProsody, type TestProsody, XMPP_PASSWORD } from './kit/prosody.ts'
import { type SlixmppClient, startSlixmpp } from './kit/slixmpp.ts'
import { TestDevice, TestKeyServer } from './kit/test-conversations.ts'
import { startPerson, type XmppPerson } from './kit/xmpp-people.ts'

let prosody: TestProsody
const server = new TestKeyServer()
let ana: XmppPerson
let other: SlixmppClient

beforeAll(async () => {
  prosody = await startProsody(['ana', 'ben'])
  ana = await startPerson({ service: prosody.service, account: 'ana', resource: 'phone', server })
})
afterAll(async () => {
  await other?.stop()
  await ana.stop()
  await prosody.stop()
})

it('python3-slixmpp reads our stanza, and sends one that we can read', async () => {
  const conversation = server.create(['ana', 'ben'])
  const benDevice = new TestDevice(server, 'ben')
  const answer = await (await benDevice.open(conversation)).encrypt('from another client')
  const words = [String(prosody.port), 'ben@localhost', XMPP_PASSWORD, 'ana@localhost']
  other = startSlixmpp([...words, answer.keyId, answer.packet])
  expect(await other.next()).toEqual({ jid: expect.stringContaining('ben@localhost/') })

  const sent = await ana.adapter.send('ben@localhost', conversation, 'to another client')
  const read = await other.next()
  expect(read).toMatchObject({
    from: ana.jid,
    objectid: server.current.get(conversation),
    encryption: { namespace: 'jabber:encrypted', name: 'Keyhaven' },
    store: true,
    origin: sent.stanzaIds[0],
    body: FALLBACK_BODY,
  })
  const opened = await benDevice.decrypt(String(read.objectid), String(read.packet), { from: 'ana' })
  expect(opened.text).toBe('to another client')

  const event = await ana.until((events) => events.find(({ kind }) => kind === 'conversation'))
  expect(event).toMatchObject({ message: { text: 'from another client' }, sender: 'checked', own: false })
  expect(JSON.stringify(event)).not.toContain('cannot be read here')
})
