import { KeyhavenError } from '@keyhaven/crypto'
import { NS_CARBONS, NS_CLIENT, NS_DELAY, NS_MAM, NS_STANZA_ID } from '../codec/namespaces.ts'
import {
  childNamed,
  childrenNamed,
  type QualifiedElement,
  qualify,
  type XmlElement,
} from '../codec/xml-element.ts'
import type { Archive } from './archive.ts'
import type { StanzaFacts, UndeliveredEvent, Via } from './events.ts'
import { readDelay, readForwarded } from './forwarded.ts'
import { type Jid, parseJid } from './jid.ts'
import type { Rooms } from './rooms.ts'
import { conditionOf } from './stanza-error.ts'

/** A message that came, whoever it is from. */
export interface Incoming {
  readonly message: QualifiedElement
  readonly stanza: StanzaFacts
  /** Real address of who sent it; undefined in a room that hides it. */
  readonly sender: Jid | undefined
  readonly reflected: boolean
}

export interface IncomingParts {
  readonly rooms: Rooms
  readonly archive: Archive
  /** Bound address of this client; undefined before the first session. */
  readonly own: () => Jid | undefined
  readonly onMessage: (incoming: Incoming) => void
  readonly onRefused: (stanza: StanzaFacts, error: KeyhavenError) => void
  readonly onUndelivered: (event: UndeliveredEvent) => void
}

/** Sorts stanzas: whose word each is, and whether that one may say so. */
export function createIncoming({
  rooms,
  archive,
  own,
  onMessage,
  onRefused,
  onUndelivered,
}: IncomingParts): (element: XmlElement) => void {
  function onStanza(element: XmlElement): void {
    const stanza = qualify(element)
    if (stanza.namespace !== NS_CLIENT) return
    if (stanza.name === 'presence') rooms.onPresence(stanza)
    if (stanza.name === 'message') onMessageStanza(stanza)
  }

  function onMessageStanza(message: QualifiedElement): void {
    const self = own()
    if (!self) return
    if (message.element.attrs.type === 'error') {
      const { from, id } = message.element.attrs
      const condition = conditionOf(message) ?? 'undefined-condition'
      onUndelivered({ kind: 'undelivered', to: from, stanzaId: id, condition })
      return
    }
    const result = childNamed(message, 'result', NS_MAM)
    if (result) {
      const reason = archive.onResult(message, result, self)
      if (reason) refuse(message, 'archive', reason)
      return
    }
    const [copy, second] = [
      ...childrenNamed(message, 'sent', NS_CARBONS),
      ...childrenNamed(message, 'received', NS_CARBONS),
    ]
    if (copy) onCarbon(message, second ? undefined : copy, self)
    else onDirect(message, self)
  }

  /** XEP-0280 §11: forwarded copies count only from the own bare address. */
  function onCarbon(message: QualifiedElement, copy: QualifiedElement | undefined, self: Jid): void {
    if (parseJid(message.element.attrs.from)?.full !== self.bare) {
      refuse(message, 'carbon', 'a carbon from another address than the own account')
      return
    }
    const forwarded = copy && readForwarded(copy)
    const inner = forwarded?.message
    const account = parseJid(copy?.name === 'sent' ? inner?.element.attrs.from : inner?.element.attrs.to)
    if (!inner || account?.bare !== self.bare || isRoomMessage(inner)) {
      refuse(message, 'carbon', 'a carbon that is none of this account')
      return
    }
    const sender = parseJid(inner.element.attrs.from)
    if (sender && rooms.find(sender)) onOccupant(inner, 'carbon', sender, self)
    else deliver(inner, { via: 'carbon', sender, own: self, delayedSince: forwarded.delayedSince })
  }

  function onDirect(message: QualifiedElement, self: Jid): void {
    const { from } = message.element.attrs
    // RFC 6120 §8.1.2.1: without an address it is from the account itself.
    const sender = from === undefined ? self : parseJid(from)
    if (sender && rooms.find(sender)) onOccupant(message, 'direct', sender, self)
    // A room's message counts only from a room that this client has entered.
    else if (!isRoomMessage(message)) deliver(message, { via: 'direct', sender, own: self })
  }

  /** From a room, to all or in private: the room says who it is. */
  function onOccupant(message: QualifiedElement, via: Via, occupant: Jid, self: Jid): void {
    const room = rooms.find(occupant)!
    const toAll = isRoomMessage(message)
    // What the room kept, it hands out under nicknames that others may have by now.
    const kept = childrenNamed(message, 'delay', NS_DELAY).some(
      ({ element }) => parseJid(element.attrs.from)?.bare === occupant.bare,
    )
    onMessage({
      message,
      stanza: factsOf(message, {
        via: toAll ? 'room' : via,
        by: toAll ? occupant.bare : self.bare,
        room: occupant.bare,
      }),
      sender: kept ? undefined : rooms.realJid(occupant),
      reflected: toAll && occupant.resource === room.nick,
    })
  }

  function deliver(
    message: QualifiedElement,
    {
      via,
      sender,
      own: self,
      delayedSince,
    }: { via: Via; sender: Jid | undefined; own: Jid; delayedSince?: Date | undefined },
  ): void {
    const stanza = factsOf(message, { via, by: self.bare, delayedSince })
    if (sender) onMessage({ message, stanza, sender, reflected: false })
    else onRefused(stanza, new KeyhavenError('WIRE_MALFORMED', 'a message without a sender'))
  }

  function refuse(message: QualifiedElement, via: Via, reason: string): void {
    onRefused(factsOf(message, { via, by: undefined }), new KeyhavenError('ACCESS_DENIED', reason))
  }

  return onStanza
}

export function isRoomMessage(message: QualifiedElement): boolean {
  return message.element.attrs.type === 'groupchat'
}

/** @param by - whose archive id is meant: the own account's, or the room's. */
export function factsOf(
  message: QualifiedElement,
  about: {
    via: Via
    by: string | undefined
    room?: string
    archiveId?: string
    delayedSince?: Date | undefined
  },
): StanzaFacts {
  const { from, to, id } = message.element.attrs
  const archived = childrenNamed(message, 'stanza-id', NS_STANZA_ID).find(
    ({ element }) => about.by !== undefined && parseJid(element.attrs.by)?.full === about.by,
  )
  return {
    via: about.via,
    from,
    to,
    room: about.room,
    stanzaId: id,
    originId: childNamed(message, 'origin-id', NS_STANZA_ID)?.element.attrs.id,
    archiveId: about.archiveId ?? archived?.element.attrs.id,
    delayedSince: about.delayedSince ?? readDelay(message),
  }
}
