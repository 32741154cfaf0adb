import type { ConversationMessage } from '@keyhaven/conversations'
import { createXmppAdapter, type XmppAdapter, type XmppEvent } from '@keyhaven/conversations/xmpp'
import type { Me, ReceivedMessage } from '@keyhaven/sdk'
import { type Client, client, xml } from '@xmpp/client'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ENGINES } from './kit/engines.ts'
import { startProsody, type TestProsody, XMPP_DOMAIN, XMPP_PASSWORD } from './kit/prosody.ts'
import { createPeople } from './kit/sdk-people.ts'
import { type SdkServer, startSdkServer } from './kit/sdk-server.ts'

const MARKER = 'the marker is a purple giraffe'
type Event = XmppEvent<ConversationMessage, ReceivedMessage>

interface Online {
  readonly me: Me
  readonly xmpp: Client
  readonly adapter: XmppAdapter<string, ConversationMessage, ReceivedMessage>
  readonly events: Event[]
  until(text: string): Promise<Event>
}

let server: SdkServer
let prosody: TestProsody
const people = createPeople(() => server)
const online: Online[] = []
let anaPhone: Online
let anaLaptop: Online
let ben: Online

/** The whole of it: the SDK, a key server and Prosody. */
async function goOnline(me: Me, account: string, resource: string): Promise<Online> {
  const { service } = prosody
  const xmpp = client({ service, domain: XMPP_DOMAIN, resource, username: account, password: XMPP_PASSWORD })
  xmpp.on('error', () => {})
  const adapter = createXmppAdapter<string, ConversationMessage, ReceivedMessage>({
    xmpp,
    xml,
    conversations: me.conversations,
    messages: me.messages,
    // Usernames of the tests' directory are "ana 1" and "ben 2".
    usernameOf: (jid) => ({ ana: anaName, ben: benName })[jid.local] ?? jid.bare,
  })
  const events: Event[] = []
  let changed = (): void => {}
  adapter.onEvent((event) => {
    events.push(event)
    changed()
  })
  const present = new Promise<void>((resolve) => {
    xmpp.on('stanza', (stanza: { name: string; attrs: { from?: string } }) => {
      if (stanza.name === 'presence' && stanza.attrs.from === String(xmpp.jid)) resolve()
    })
  })
  await xmpp.start()
  await present
  const textOf = (event: Event) => ('message' in event ? event.message.text : undefined)
  const one: Online = {
    me,
    xmpp,
    adapter,
    events,
    async until(text) {
      for (;;) {
        const refusal = events.find(({ kind }) => kind === 'refused')
        if (refusal?.kind === 'refused') throw refusal.error
        const found = events.find((event) => textOf(event) === text)
        if (found) return found
        await new Promise<void>((resolve) => {
          changed = resolve
        })
      }
    },
  }
  online.push(one)
  return one
}

let anaName = ''
let benName = ''

beforeAll(async () => {
  server = await startSdkServer(ENGINES[0]!)
  prosody = await startProsody(['ana', 'ben'])
  const ana = await people.person('ana')
  const phone = await people.secondDevice(ana)
  const other = await people.person('ben')
  anaName = ana.username
  benName = other.username
  anaLaptop = await goOnline(ana, 'ana', 'laptop')
  anaPhone = await goOnline(phone, 'ana', 'phone')
  ben = await goOnline(other, 'ben', 'home')
})
afterAll(async () => {
  for (const { adapter, xmpp } of online) {
    adapter.close()
    await xmpp.stop()
  }
  await people.close()
  await prosody?.stop()
  await server?.dispose()
})

describe.each(['sealed', 'managed'] as const)('a %s conversation of the SDK, by XMPP', (mode) => {
  it('is read on all devices, again from the archive, and nowhere else', async () => {
    const { id } = await anaLaptop.me.conversations.create({ members: { [benName]: 'member' }, mode })
    const text = `${MARKER}, ${mode}`
    const sent = await anaLaptop.adapter.send('ben@localhost', id, text)
    await sent.accepted
    expect(await ben.until(text)).toMatchObject({ kind: 'conversation', own: false, sender: 'checked' })
    expect(await anaPhone.until(text)).toMatchObject({ kind: 'conversation', own: true, sender: 'checked' })

    const answer = `an answer, ${mode}`
    await ben.adapter.send('ana@localhost', id, answer)
    for (const device of [anaLaptop, anaPhone]) await device.until(answer)

    for (const device of [anaLaptop, anaPhone, ben]) {
      const { value } = await device.adapter.archive({ direction: 'backward', pageSize: 2 }).next()
      expect(value?.events).toMatchObject([
        { kind: 'conversation', message: { text }, own: device !== ben },
        { kind: 'conversation', message: { text: answer }, own: device === ben },
      ])
    }
    expect(await prosody.stored()).not.toContain(MARKER)
  })
})

describe('messages to people, by the same adapter', () => {
  it('are read on all devices, and again from the archive by the history', async () => {
    const text = `${MARKER}, for ben alone`
    await (await anaLaptop.adapter.sendMessage('ben@localhost', text)).accepted
    expect(await ben.until(text)).toMatchObject({ kind: 'message', own: false, sender: 'checked' })
    expect(await anaPhone.until(text)).toMatchObject({
      kind: 'message',
      own: true,
      message: { from: anaName, device: anaLaptop.me.device },
      stanza: { via: 'carbon' },
    })
    for (const device of [anaLaptop, anaPhone, ben]) {
      const { value } = await device.adapter.archive({ direction: 'backward', pageSize: 1 }).next()
      expect(value?.events).toMatchObject([{ kind: 'message', message: { text }, own: device !== ben }])
    }
    expect(await prosody.stored()).not.toContain(MARKER)
  })

  it('are refused under another name, before anybody is looked up', async () => {
    const { envelope } = await anaLaptop.me.messages.encrypt(benName, 'passed on')
    const children = xml(
      'message-envelope',
      { xmlns: 'urn:keyhaven:message:1' },
      Buffer.from(envelope).toString('base64'),
    )
    const refused = new Promise<Event>((resolve) => {
      const stop = ben.adapter.onEvent((event) => {
        stop()
        resolve(event)
      })
    })
    // Ben's own account sends it to ben.
    await ben.xmpp.send(xml('message', { to: String(ben.xmpp.jid), type: 'chat' }, children))
    expect(await refused).toMatchObject({ kind: 'refused', error: { code: 'SIGNATURE_INVALID' } })
  })
})
