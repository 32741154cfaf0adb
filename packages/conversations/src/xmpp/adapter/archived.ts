import { KeyhavenError } from '@keyhaven/crypto'
import { NS_MUC_USER } from '../codec/namespaces.ts'
import { childNamed, childrenNamed } from '../codec/xml-element.ts'
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
 * @param isRoom - which of the two.
 */
export function readArchived(
  { archiveId, forwarded }: ArchivedStanza,
  { archive, isRoom, rooms }: { archive: Jid; isRoom: boolean; rooms: Rooms },
): Archived {
  const { message, delayedSince } = forwarded
  const from = parseJid(message.element.attrs.from)
  const room = isRoom ? archive.bare : undefined
  const about = { via: 'archive' as const, by: archive.bare, archiveId, delayedSince }
  const stanza = factsOf(message, room === undefined ? about : { ...about, room })
  if (!from) return { stanza, error: new KeyhavenError('WIRE_MALFORMED', 'a message without a sender') }
  if (isRoom && from.bare !== archive.bare) {
    return {
      stanza,
      error: new KeyhavenError('ACCESS_DENIED', "a message of another room in this room's archive"),
    }
  }
  const hidden = isRoomMessage(message) || rooms.find(from) !== undefined
  const sender = isRoom ? occupantOf() : hidden ? undefined : from
  return { incoming: { message, stanza, sender, reflected: false } }

  /** XEP-0313 §7.1: a room's archive names the real address, and takes out what senders wrote there themselves. */
  function occupantOf(): Jid | undefined {
    const [user, second] = childrenNamed(message, 'x', NS_MUC_USER)
    const item = user && !second ? childNamed(user, 'item', NS_MUC_USER) : undefined
    return parseJid(item?.element.attrs.jid)
  }
}
