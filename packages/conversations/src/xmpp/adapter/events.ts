import type { KeyhavenError } from '@keyhaven/crypto'

/**
 * How a stanza came: to this device; a copy of one sent by or to another own device; in a room; from an
 * archive.
 */
export type Via = 'direct' | 'carbon' | 'room' | 'archive'

/** About the stanza. All of it is the transport's word, and nothing of it is protected. */
export interface StanzaFacts {
  readonly via: Via
  /** Full address of the sender; in a room the occupant's, `room@service/nick`. */
  readonly from: string | undefined
  readonly to: string | undefined
  /** The room, for a message of a room. */
  readonly room: string | undefined
  readonly stanzaId: string | undefined
  /** XEP-0359: given by the sender's client. */
  readonly originId: string | undefined
  /** Its id in the own archive, or in the room's: what to continue from, see `archive`. */
  readonly archiveId: string | undefined
  /** XEP-0203: when the server first had it, if it was delivered late. */
  readonly delayedSince: Date | undefined
}

/** A message whose signature was verified. */
interface Verified {
  readonly stanza: StanzaFacts
  /** Sent by this user: from this device (a room's echo) or another one. */
  readonly own: boolean
  /**
   * Whether the transport's sender was compared with who signed. `unknown`: the room hides who its occupants
   * are. The signature was verified then too, but somebody else may have passed the message on.
   */
  readonly sender: 'checked' | 'unknown'
}

/** A message of a conversation. */
export interface ConversationEvent<M> extends Verified {
  readonly kind: 'conversation'
  readonly message: M
}

/** A message to this user by `@keyhaven/messaging`. */
export interface EnvelopeEvent<E> extends Verified {
  readonly kind: 'message'
  readonly message: E
}

/**
 * A protected message that was not accepted. Nothing of its content was read; the body beside it is not
 * protected.
 */
export interface RefusedEvent {
  readonly kind: 'refused'
  readonly stanza: StanzaFacts
  /** Why: see its `code`. */
  readonly error: KeyhavenError
}

/** The server returned what this client had sent. */
export interface UndeliveredEvent {
  readonly kind: 'undelivered'
  readonly to: string | undefined
  readonly stanzaId: string | undefined
  /** RFC 6120 §8.3.3, such as `item-not-found`. */
  readonly condition: string
}

/**
 * A new session with the server, after the first one: the last could not be resumed. What was sent to rooms
 * meanwhile is in their archives only, and what was sent to the account may be, too: read them from the last
 * known `archiveId`.
 */
export interface SessionEvent {
  readonly kind: 'session'
}

/** What was read, or refused, in the order of the archive. */
export type ArchivedEvent<M, E> = ConversationEvent<M> | EnvelopeEvent<E> | RefusedEvent

export type XmppEvent<M, E> = ArchivedEvent<M, E> | UndeliveredEvent | SessionEvent
