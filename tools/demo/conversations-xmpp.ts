import type { ConversationMessage, FileContent } from '@keyhaven/conversations'
import { createXmppAdapter, type XmppAdapter, type XmppEvent } from '@keyhaven/conversations/xmpp'
import type { ReceivedMessage } from '@keyhaven/sdk'
import { type Client, client, xml } from '@xmpp/client'
import { XMPP_DOMAIN, XMPP_PASSWORD } from '../../test/kit/prosody.ts'
import type { ChatDevice, ConversationScene } from './conversations-scene.ts'

const WAIT_MS = 20_000

export type ChatEvent = XmppEvent<ConversationMessage, ReceivedMessage>

/** A device that is logged in at the XMPP server. */
export interface OnlineDevice extends ChatDevice {
  readonly xmpp: Client
  readonly adapter: XmppAdapter<string | FileContent, ConversationMessage, ReceivedMessage>
  readonly events: readonly ChatEvent[]
  /** The first message that is so, as soon as it was decrypted; undefined if it does not come. */
  shown(matches: (message: ConversationMessage) => boolean): Promise<ConversationMessage | undefined>
  /** Messages as they came, in XML. */
  readonly stanzas: readonly string[]
  leave(): Promise<void>
}

/** Logs in under the username: Prosody's accounts carry the directory's names. */
export async function goOnline(
  { prosody: { service }, online }: ConversationScene,
  device: ChatDevice,
  resource: string,
): Promise<OnlineDevice> {
  const { me } = device
  const account = { username: me.username, password: XMPP_PASSWORD }
  const xmpp = client({ service, domain: XMPP_DOMAIN, resource, ...account })
  xmpp.on('error', () => {})
  const adapter = createXmppAdapter<string | FileContent, ConversationMessage, ReceivedMessage>({
    ...{ xmpp, xml },
    conversations: me.conversations,
    messages: me.messages,
  })
  const events: ChatEvent[] = []
  const waiting = new Set<() => void>()
  adapter.onEvent((event) => {
    events.push(event)
    for (const check of waiting) check()
  })
  const stanzas: string[] = []
  const present = new Promise<void>((resolve) => {
    xmpp.on('stanza', (element: { name: string; attrs: { from?: string } }) => {
      if (element.name === 'presence' && element.attrs.from === String(xmpp.jid)) resolve()
      if (element.name === 'message') stanzas.push(String(element))
    })
  })
  await xmpp.start()
  await present
  const logged: OnlineDevice = {
    ...{ ...device, xmpp, adapter, events, stanzas },
    shown: (matches) =>
      new Promise((resolve) => {
        const end = (found?: ConversationMessage): void => {
          clearTimeout(timer)
          waiting.delete(check)
          resolve(found)
        }
        const check = (): void => {
          const found = events.find((event) => event.kind === 'conversation' && matches(event.message))
          if (found?.kind === 'conversation') end(found.message)
        }
        const timer = setTimeout(end, WAIT_MS)
        waiting.add(check)
        check()
      }),
    async leave() {
      adapter.close()
      await xmpp.stop()
    },
  }
  online.push(logged)
  return logged
}

/** As a client without Keyhaven sends it. Resolves when it has arrived. */
export async function sendInClear(from: OnlineDevice, to: OnlineDevice, text: string): Promise<void> {
  const arrived = new Promise<void>((resolve, reject) => {
    setTimeout(() => reject(new Error('the XMPP server does not deliver')), WAIT_MS).unref()
    to.xmpp.on('stanza', (element: object) => {
      if (String(element).includes(text)) resolve()
    })
  })
  const address = String(to.xmpp.jid).split('/')[0]!
  await from.xmpp.send(xml('message', { to: address, type: 'chat' }, xml('body', {}, text)))
  await arrived
}

/** @returns texts of the archive in its order, or the code of what was refused. */
export async function readArchive({ adapter }: OnlineDevice): Promise<string[]> {
  const texts: string[] = []
  for await (const { events } of adapter.archive({ pageSize: 50 })) {
    for (const event of events) {
      texts.push(event.kind === 'refused' ? event.error.code : (event.message.text ?? event.kind))
    }
  }
  return texts
}

/** How many nodes the account has published at the XMPP server (XEP-0163), where others keep device lists. */
export async function publicNodes({ xmpp }: OnlineDevice): Promise<number> {
  const to = String(xmpp.jid).split('/')[0]!
  const query = xml('query', { xmlns: 'http://jabber.org/protocol/disco#items' })
  const { children } = await xmpp.iqCaller.request(xml('iq', { type: 'get', to }, query))
  const [items] = children
  if (typeof items !== 'object') throw new Error('the XMPP server did not say what is published')
  return items.children.length
}
