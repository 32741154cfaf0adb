import { KeyhavenError } from '@keyhaven/crypto'
import { MessageError } from '@keyhaven/messaging'
import { InOrder } from '../../in-order.ts'
import type { ProtectedContent } from '../codec/protected-content.ts'
import type { XmlElement } from '../codec/xml-element.ts'
import { Archive, type ArchiveOptions } from './archive.ts'
import { type Archived, readArchived } from './archived.ts'
import { EventQueue } from './event-queue.ts'
import type { ArchivedEvent, RefusedEvent, XmppEvent } from './events.ts'
import { createIncoming, type Incoming } from './incoming.ts'
import { type Jid, parseJid, requireJid } from './jid.ts'
import { guardNegotiation } from './negotiation.ts'
import { Outbox } from './outbox.ts'
import type { ConversationCipher, EnvelopeCipher, ReadConversationMessage, ReadEnvelope } from './ports.ts'
import { refused, StanzaReader } from './reader.ts'
import { type JoinOptions, type Room, Rooms } from './rooms.ts'
import { newStanzaId, Sender, type Sent } from './sender.ts'
import { enableCarbons, followSessions } from './session.ts'
import { localPartOnOwnServer, type UsernameOf } from './username-of.ts'
import type { XmlFactory, XmppClient } from './xmpp-client.ts'

/** Of stanzas that wait to be decrypted. */
const MAX_WAITING_CHARACTERS = 67_108_864

export interface XmppAdapterOptions<C, M extends ReadConversationMessage, E extends ReadEnvelope> {
  /** `client(…)` of `@xmpp/client`. Make the adapter before it is started. */
  readonly xmpp: XmppClient
  /** `xml` of `@xmpp/client`. */
  readonly xml: XmlFactory
  /** `me.conversations`. Without it packets of conversations are left alone. */
  readonly conversations?: ConversationCipher<C, M>
  /** `me.messages`. Without it envelopes are left alone. */
  readonly messages?: EnvelopeCipher<E>
  /** Whose address it is; {@link localPartOnOwnServer} if left out. */
  readonly usernameOf?: UsernameOf
  /** Whether the adapter announces this device (initial presence) itself; true if left out. */
  readonly presence?: boolean
  /** What the server takes, 262,144 bytes if left out: a larger stanza would end the stream. */
  readonly maxStanzaBytes?: number
  /** What clients without Keyhaven show. Say nothing private. */
  readonly fallbackBody?: string
  /** Told what went wrong in the background. */
  readonly onError?: (error: unknown) => void
}

/** What an archive had on a page, oldest first. */
export interface ArchivePage<M, E> {
  readonly events: readonly ArchivedEvent<M, E>[]
  /** Archive ids of the page's ends: what to continue from. */
  readonly first: string | undefined
  readonly last: string | undefined
  /** Nothing follows. */
  readonly complete: boolean
}

/** Protected messages by an XMPP server that cannot read them. */
export interface XmppAdapter<C, M, E> {
  /**
   * Encrypts once, and sends to each address: a conversation without a room. Own other devices get copies.
   *
   * @throws KeyhavenError as `encrypt` does; `WIRE_TOO_LARGE` for the server: send a file.
   */
  send(to: string | readonly string[], conversation: string, content: C): Promise<Sent>
  /** Sends to a room that was joined. */
  sendGroup(room: string, conversation: string, content: C): Promise<Sent>
  /** Encrypts for one person with `messages` rather than for a conversation. */
  sendMessage(to: string, content: string | Uint8Array): Promise<Sent>
  /** Enters a room, again in each new session. A room that it makes shows its occupants. */
  join(room: string, options?: JoinOptions): Promise<Room>
  leave(room: string): Promise<void>
  /** Reads an archive page by page, each decrypted when it is asked for. */
  archive(options?: ArchiveOptions): AsyncGenerator<ArchivePage<M, E>, void>
  /**
   * Decrypts again what was refused, for reasons that pass: `KEY_PENDING`, no network, a repair. The answer
   * is no event.
   *
   * @returns undefined if there is nothing to show: it was read meanwhile.
   */
  readAgain(event: RefusedEvent): Promise<ArchivedEvent<M, E> | undefined>
  /**
   * Does what a program can do about an envelope that could not be decrypted. `sent`: its sender was asked,
   * call `readAgain` after the answer; `retry`: call it now; `none`: see the error's `advice`.
   */
  repair(event: RefusedEvent): Promise<'sent' | 'retry' | 'none'>
  /** @returns stops it. */
  onEvent(listener: (event: XmppEvent<M, E>) => void): () => void
  /** What comes from now on, until `signal` is aborted or the adapter is closed. */
  events(options?: { readonly signal?: AbortSignal }): AsyncIterableIterator<XmppEvent<M, E>>
  /** Resolves when what has come is decrypted. */
  idle(): Promise<void>
  /** Lets go of the client, which goes on. Unacknowledged messages are given up. */
  close(): void
}

export function createXmppAdapter<
  C,
  M extends ReadConversationMessage,
  E extends ReadEnvelope = ReadEnvelope,
>(options: XmppAdapterOptions<C, M, E>): XmppAdapter<C, M, E> {
  const { xmpp: client, xml, conversations, messages } = options
  const onError = options.onError ?? (() => {})
  const usernameOf = options.usernameOf ?? localPartOnOwnServer
  const self = (): Jid | undefined => parseJid(client.jid?.toString())
  const requireSelf = (): Jid => {
    const jid = self()
    if (!jid?.resource) throw new KeyhavenError('UPSTREAM_FAILED', 'not connected to the XMPP server yet')
    return jid
  }
  const queue = new EventQueue<XmppEvent<M, E>>(onError)
  const outbox = new Outbox(client)
  const rooms = new Rooms({ client, xml, newId: newStanzaId, onError })
  const archive = new Archive({ client, xml, newId: newStanzaId })
  const sender = new Sender({ xml, outbox, options })
  const lanes = new InOrder()
  /** Of archives. */
  const envelopes = new InOrder()
  /** What would read them again. */
  const refusals = new WeakMap<RefusedEvent, () => Promise<ArchivedEvent<M, E> | undefined>>()
  let waiting = 0
  let sessions = 0

  const reader = new StanzaReader<C, M, E>({
    conversations,
    messages,
    own: () => nameOf(requireSelf()),
    answer: ({ from }, envelope) =>
      sender.send([requireJid(from ?? '').bare], 'chat', { kind: 'envelope', envelope }),
  })

  function nameOf(jid: Jid): string {
    return usernameOf(jid, requireSelf())
  }

  async function read(
    incoming: Incoming,
    content: ProtectedContent,
  ): Promise<ArchivedEvent<M, E> | undefined> {
    const from = incoming.sender && nameOf(incoming.sender)
    const echo = incoming.reflected && sender.isEcho(incoming.stanza.originId, content)
    const again = async (): Promise<ArchivedEvent<M, E> | undefined> => {
      const event = await reader.read(content, { stanza: incoming.stanza, sender: from, echo })
      if (event?.kind === 'refused') refusals.set(event, again)
      return event
    }
    return again()
  }

  async function readStanza(archived: Archived): Promise<ArchivedEvent<M, E> | undefined> {
    if (archived.error) return refused(archived.stanza, archived.error)
    const found = reader.find(archived.incoming.message, archived.incoming.stanza)
    if (!found || found.kind === 'refused') return found
    // Packets ask for their keys together; of envelopes one shows how the next is read.
    if (found.kind === 'conversation') return read(archived.incoming, found)
    return envelopes.run('', () => read(archived.incoming, found))
  }

  function onMessage(incoming: Incoming): void {
    const found = reader.find(incoming.message, incoming.stanza)
    if (!found) return
    if (found.kind === 'refused') {
      queue.emit(found)
      return
    }
    const size = found.kind === 'conversation' ? found.packet.length : found.envelope.length
    if (waiting > 0 && waiting + size > MAX_WAITING_CHARACTERS) {
      const error = new KeyhavenError('RATE_LIMITED', 'too many messages at once: read it from the archive')
      queue.emit(refused(incoming.stanza, error))
      return
    }
    waiting += size
    const lane = incoming.stanza.room ?? incoming.sender?.bare ?? ''
    lanes
      .run(lane, () => read(incoming, found))
      .then((event) => event && queue.emit(event))
      .catch(onError)
      .finally(() => {
        waiting -= size
      })
  }

  const sort = createIncoming({
    rooms,
    archive,
    own: self,
    onMessage,
    onRefused: (stanza, error) => queue.emit(refused(stanza, error)),
    onUndelivered: (event) => queue.emit(event),
  })
  // What a listener throws would end the process.
  const onStanza = (element: XmlElement): void => {
    try {
      sort(element)
    } catch (error) {
      onError(error)
    }
  }
  const unguard = guardNegotiation(client)
  const unfollow = followSessions(client, {
    async begun(lasts) {
      sessions++
      // A server without carbons: this device sees only what is sent to it.
      await enableCarbons(client, xml, newStanzaId()).catch(onError)
      if (!lasts()) return
      if (options.presence !== false) await client.send(xml('presence', {}))
      await rooms.joinAgain()
      outbox.open()
      if (sessions > 1) queue.emit({ kind: 'session' })
    },
    resumed: () => outbox.open(),
    lost: () => outbox.pause(),
    onError,
  })
  client.on('stanza', onStanza)

  async function* readArchive(asked: ArchiveOptions = {}): AsyncGenerator<ArchivePage<M, E>, void> {
    const own = requireSelf()
    const jid = requireJid(asked.room === undefined ? own.bare : requireJid(asked.room).bare)
    const room = asked.room === undefined ? undefined : (await rooms.isOpen(jid)) ? 'open' : 'hidden'
    for await (const { stanzas, ...page } of archive.pages(jid, own, asked)) {
      const read = stanzas.map((stanza) => readStanza(readArchived(stanza, { archive: jid, room, rooms })))
      const events = (await Promise.all(read)).filter((event) => event !== undefined)
      yield { events, ...page }
    }
  }

  return {
    send: (to, conversation, content) => {
      const bare = (typeof to === 'string' ? [to] : to).map((address) => requireJid(address).full)
      return sender.encrypted(bare, 'chat', conversation, content)
    },
    sendGroup: (room, conversation, content) =>
      sender.encrypted([requireJid(room).bare], 'groupchat', conversation, content),
    sendMessage: (to, content) => {
      const jid = requireJid(to)
      return sender.envelope(jid.full, nameOf(jid), content)
    },
    join: (room, joining) => rooms.join(room, joining),
    leave: (room) => rooms.leave(room),
    archive: readArchive,
    readAgain: async (event) => {
      const again = refusals.get(event)
      return again ? again() : event
    },
    async repair({ error, stanza }) {
      const from = parseJid(stanza.from)
      if (!(error instanceof MessageError) || !from) return 'none'
      const repair = await error.repair()
      if (repair.action !== 'send') return repair.action
      await sender.send([from.bare], 'chat', { kind: 'envelope', envelope: repair.envelope })
      return 'sent'
    },
    onEvent: (listener) => queue.listen(listener),
    events: (reading) => queue.events(reading?.signal),
    idle: () => lanes.idle(),
    close() {
      unguard()
      unfollow()
      client.removeListener('stanza', onStanza)
      outbox.close()
      queue.close()
    },
  }
}
