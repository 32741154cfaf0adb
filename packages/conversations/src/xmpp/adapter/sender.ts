import { backend, KeyhavenError, toBase64url, utf8 } from '@keyhaven/crypto'
import { InOrder } from '../../in-order.ts'
import { NS_STANZA_ID } from '../codec/namespaces.ts'
import { encodeContent, type ProtectedContent } from '../codec/protected-content.ts'
import { messageElement, writeElement } from '../codec/xml-text.ts'
import type { Outbox } from './outbox.ts'
import type { ConversationCipher, EnvelopeCipher, ReadConversationMessage, ReadEnvelope } from './ports.ts'
import { toXmppElement, type XmlFactory } from './xmpp-client.ts'

const STANZA_ID_BYTES = 16
/** What Prosody and others take from a client by default. */
const DEFAULT_MAX_STANZA_BYTES = 262_144
/** Own messages whose echo from a room has not come. */
const MAX_AWAITED_ECHOES = 1_000

/** A message on its way. */
export interface Sent {
  /** Of the stanzas, as many as addresses: also their XEP-0359 origin ids. */
  readonly stanzaIds: readonly string[]
  /** Id of the message within the conversation; undefined for an envelope. */
  readonly messageId: string | undefined
  /**
   * Resolves when the server has acknowledged it (XEP-0198), across reconnects. Rejects with `RESULT_UNKNOWN`
   * if the adapter is closed before.
   */
  readonly accepted: Promise<void>
}

export interface SenderParts<C, M extends ReadConversationMessage, E extends ReadEnvelope> {
  readonly xml: XmlFactory
  readonly outbox: Outbox
  readonly options: {
    readonly conversations?: ConversationCipher<C, M>
    readonly messages?: EnvelopeCipher<E>
    readonly maxStanzaBytes?: number
    readonly fallbackBody?: string
  }
}

/** 16 random bytes, base64url: nobody else can name a stanza or a query of ours. */
export function newStanzaId(): string {
  return toBase64url(backend.randomBytes(STANZA_ID_BYTES))
}

/** Encrypts and sends, in the order of the calls. */
export class Sender<C, M extends ReadConversationMessage, E extends ReadEnvelope> {
  readonly #parts: SenderParts<C, M, E>
  readonly #order = new InOrder()
  /** Packets by origin id. */
  readonly #echoes = new Map<string, string>()

  constructor(parts: SenderParts<C, M, E>) {
    this.#parts = parts
  }

  encrypted(
    to: readonly string[],
    type: 'chat' | 'groupchat',
    conversation: string,
    content: C,
  ): Promise<Sent> {
    const { conversations } = this.#parts.options
    if (!conversations) throw new TypeError('the adapter was made without conversations')
    return this.#order.run(conversation, async () => {
      const { keyId, packet, id } = await (await conversations.open(conversation)).encrypt(content)
      return this.send(to, type, { kind: 'conversation', objectId: keyId, packet }, id)
    })
  }

  envelope(to: string, username: string, content: string | Uint8Array): Promise<Sent> {
    const { messages } = this.#parts.options
    if (!messages) throw new TypeError('the adapter was made without messages')
    return this.#order.run(username, async () => {
      const { envelope } = await messages.encrypt(username, content)
      return this.send([to], 'chat', { kind: 'envelope', envelope })
    })
  }

  async send(
    to: readonly string[],
    type: 'chat' | 'groupchat',
    content: ProtectedContent,
    messageId?: string,
  ): Promise<Sent> {
    const { xml, outbox, options } = this.#parts
    const fallback = options.fallbackBody === undefined ? {} : { fallback: options.fallbackBody }
    const children = encodeContent(content, fallback)
    const stanzas = to.map((address) => {
      const id = newStanzaId()
      const originId = { name: 'origin-id', attrs: { xmlns: NS_STANZA_ID, id }, children: [] }
      return { id, element: messageElement({ to: address, type, id }, [...children, originId]) }
    })
    const limit = options.maxStanzaBytes ?? DEFAULT_MAX_STANZA_BYTES
    for (const { element } of stanzas) {
      if (utf8(writeElement(element)).length > limit) {
        throw new KeyhavenError('WIRE_TOO_LARGE', `over the ${limit} bytes that the XMPP server takes`)
      }
    }
    const accepted = Promise.all(
      stanzas.map(({ id, element }) => {
        if (type === 'groupchat' && content.kind === 'conversation') this.#awaitEcho(id, content.packet)
        return outbox.push(toXmppElement(xml, element))
      }),
    ).then(() => {})
    accepted.catch(() => {})
    return { stanzaIds: stanzas.map(({ id }) => id), messageId, accepted }
  }

  /** Whether a room sends back what this adapter sent there; true once for each message. */
  isEcho(originId: string | undefined, content: ProtectedContent): boolean {
    if (originId === undefined || content.kind !== 'conversation') return false
    return this.#echoes.get(originId) === content.packet && this.#echoes.delete(originId)
  }

  #awaitEcho(id: string, packet: string): void {
    const [oldest] = this.#echoes.keys()
    if (this.#echoes.size >= MAX_AWAITED_ECHOES && oldest !== undefined) this.#echoes.delete(oldest)
    this.#echoes.set(id, packet)
  }
}
