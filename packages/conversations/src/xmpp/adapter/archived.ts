import { KeyhavenError } from '@keyhaven/crypto'
import { NS_MUC_USER } from '../codec/namespaces.ts'
import { childrenNamed } from '../codec/xml-element.ts'
import type { ArchivedStanza } from './archive.ts'
import type { StanzaFacts } from './events.ts'
import { factsOf, type Incoming, isRoomMessage } from './incoming.ts'
import { type Jid, parseJid } from './jid.ts'
import type { Rooms } from './rooms.ts'

/** Where an archive's stanza belongs; `error` if the archive cannot have it. */
export type Archived =
  | { readonly incoming: Incoming; readonly error?: never }
  | { readonly stanza: StanzaFacts; readonly error: KeyhavenError }

/**
 * @param archive - the archive asked: of the own account, or of a room.
 * @param room - `hidden`: a room that hides who its occupants are; `open`: one that does not.
 */
export function readArchived(
  { archiveId, forwarded }: ArchivedStanza,
  { archive, room, rooms }: { archive: Jid; room: 'hidden' | 'open' | undefined; rooms: Rooms },
): Archived {
  const { message, delayedSince } = forwarded
  const from = parseJid(message.element.attrs.from)
  const about = { via: 'archive' as const, by: archive.bare, archiveId, delayedSince }
  const stanza = factsOf(message, room === undefined ? about : { ...about, room: archive.bare })
  const wrong = (code: 'WIRE_MALFORMED' | 'ACCESS_DENIED', reason: string): Archived => ({
    stanza,
    error: new KeyhavenError(code, reason),
  })
  if (!from) return wrong('WIRE_MALFORMED', 'a message without a sender')
  if (room === undefined) {
    // Nicknames of the past: nobody knows whose they were.
    const sender = isRoomMessage(message) || rooms.find(from) ? undefined : from
    return { incoming: { message, stanza, sender, reflected: false } }
  }
  if (from.bare !== archive.bare) return wrong('ACCESS_DENIED', 'a message of another room')
  // XEP-0313 §7.1: the archive names the real address, and takes out what senders wrote there themselves, or
  // should.
  const claims = childrenNamed(message, 'x', NS_MUC_USER).flatMap((user) =>
    childrenNamed(user, 'item', NS_MUC_USER),
  )
  if (claims.length > 1) return wrong('WIRE_MALFORMED', 'more than one claim about who sent it')
  const sender = room === 'open' ? parseJid(claims[0]?.element.attrs.jid) : undefined
  return { incoming: { message, stanza, sender, reflected: false } }
}
