export type { ArchiveOptions } from './adapter/archive.ts'
export {
  type ArchivePage,
  createXmppAdapter,
  type XmppAdapter,
  type XmppAdapterOptions,
} from './adapter/create-xmpp-adapter.ts'
export type {
  ArchivedEvent,
  ConversationEvent,
  EnvelopeEvent,
  RefusedEvent,
  SessionEvent,
  StanzaFacts,
  UndeliveredEvent,
  Via,
  XmppEvent,
} from './adapter/events.ts'
export { type Jid, parseJid } from './adapter/jid.ts'
export type {
  ConversationCipher,
  EnvelopeCipher,
  ReadConversationMessage,
  ReadEnvelope,
} from './adapter/ports.ts'
export type { JoinOptions, Room } from './adapter/rooms.ts'
export type { Sent } from './adapter/sender.ts'
export { bareAddress, localPartOnOwnServer, type UsernameOf } from './adapter/username-of.ts'
export type { StreamManagement, XmlFactory, XmppClient, XmppElement } from './adapter/xmpp-client.ts'
export { MAX_STANZA_CHARACTERS } from './codec/limits.ts'
export { NS_ENCRYPTED, NS_ENVELOPE } from './codec/namespaces.ts'
export {
  decodeMessage,
  encodeContent,
  FALLBACK_BODY,
  type ProtectedContent,
} from './codec/protected-content.ts'
export type { XmlElement } from './codec/xml-element.ts'
export { messageElement, parseStanza, writeElement } from './codec/xml-text.ts'
