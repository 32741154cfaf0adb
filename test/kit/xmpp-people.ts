import { once } from 'node:events'
import {
  createXmppAdapter,
  type EnvelopeCipher,
  type ReadEnvelope,
  type XmppAdapter,
  type XmppAdapterOptions,
  type XmppEvent,
} from '@keyhaven/conversations/xmpp'
import { type Client, client, xml } from '@xmpp/client'
import { XMPP_DOMAIN, XMPP_PASSWORD } from './prosody.ts'
import type { TestDevice, TestKeyServer, TestMessage } from './test-conversations.ts'
import { TestDevice as Device } from './test-conversations.ts'

const TEST_RECONNECT_MS = 50

/** One device on XMPP, and everything that came to it. */
export interface XmppPerson {
  readonly xmpp: Client
  readonly device: TestDevice
  readonly adapter: XmppAdapter<string, TestMessage, ReadEnvelope>
  readonly events: XmppEvent<TestMessage, ReadEnvelope>[]
  /** Full address. */
  readonly jid: string
  /** Waits until these events are there, and returns the last that `find` gave. */
  until<T>(
    find: (events: readonly XmppEvent<TestMessage, ReadEnvelope>[]) => T | undefined | false,
  ): Promise<T>
  /** Texts of the conversations' messages, in order. */
  texts(): string[]
  stop(): Promise<void>
}

export interface PersonOptions {
  readonly service: string
  readonly account: string
  readonly resource: string
  readonly server: TestKeyServer
  /** The same device again, after a restart. */
  readonly device?: TestDevice
  readonly messages?: EnvelopeCipher<ReadEnvelope>
  readonly adapter?: Partial<XmppAdapterOptions<string, TestMessage, ReadEnvelope>>
  /** Told of the client before it starts. */
  readonly prepare?: (xmpp: Client) => void
}

export async function startPerson(options: PersonOptions): Promise<XmppPerson> {
  const { service, account, resource, server } = options
  const xmpp = client({ service, domain: XMPP_DOMAIN, resource, username: account, password: XMPP_PASSWORD })
  xmpp.on('error', () => {})
  xmpp.reconnect.delay = TEST_RECONNECT_MS
  options.prepare?.(xmpp)
  const device = options.device ?? new Device(server, account)
  const adapter = createXmppAdapter<string, TestMessage, ReadEnvelope>({
    xmpp,
    xml,
    conversations: device,
    ...(options.messages && { messages: options.messages }),
    ...options.adapter,
  })
  const events: XmppEvent<TestMessage, ReadEnvelope>[] = []
  let changed = (): void => {}
  adapter.onEvent((event) => {
    events.push(event)
    changed()
  })
  const present = presentIn(xmpp)
  await xmpp.start()
  await present
  return {
    xmpp,
    device,
    adapter,
    events,
    jid: String(xmpp.jid),
    async until(find) {
      for (;;) {
        const found = find(events)
        if (found !== undefined && found !== false) return found
        await new Promise<void>((resolve) => {
          changed = resolve
        })
      }
    },
    texts: () => events.flatMap((event) => (event.kind === 'conversation' ? [event.message.text] : [])),
    async stop() {
      adapter.close()
      xmpp.reconnect.stop()
      await xmpp.stop()
    },
  }
}

/**
 * The server reflects a device's own presence when it has taken it: by then carbons are on, and it is
 * reachable.
 */
async function presentIn(xmpp: Client): Promise<void> {
  for await (const [stanza] of eventsOf(xmpp)) {
    if (stanza.name === 'presence' && stanza.attrs.from === String(xmpp.jid)) return
  }
}

async function* eventsOf(xmpp: Client): AsyncGenerator<[{ name: string; attrs: Record<string, string> }]> {
  for (;;) yield (await once(xmpp as never, 'stanza')) as never
}
