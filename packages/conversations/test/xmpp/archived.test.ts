import { backend, toBase64 } from '@keyhaven/crypto'
import { expect, it } from 'vitest'
import { readArchived } from '../../src/xmpp/adapter/archived.ts'
import { parseJid } from '../../src/xmpp/adapter/jid.ts'
import { Rooms } from '../../src/xmpp/adapter/rooms.ts'
import { qualify } from '../../src/xmpp/codec/xml-element.ts'
import { parseStanza } from '../../src/xmpp/index.ts'

const ROOM = parseJid('team@rooms.localhost')!
const ACCOUNT = parseJid('ana@localhost')!
const claim = (jid: string) => `<x xmlns='http://jabber.org/protocol/muc#user'><item jid='${jid}'/></x>`

/** No room is entered: nothing of the client is used. */
const rooms = new Rooms({
  client: undefined as never,
  xml: undefined as never,
  newId: () => toBase64(backend.randomBytes(16)),
  onError: () => {},
})

function read(
  room: 'open' | 'hidden' | undefined,
  inner: string,
  from = 'team@rooms.localhost/nick',
  type = 'groupchat',
) {
  const message = qualify(parseStanza(`<message from='${from}' type='${type}'>${inner}</message>`))
  const stanza = { archiveId: '1', forwarded: { message, delayedSince: undefined } }
  const archived = readArchived(stanza, { archive: room ? ROOM : ACCOUNT, room, rooms })
  return archived.error ? archived.error.code : archived.incoming.sender?.full
}

it("takes the real address from an open room's archive", () => {
  expect(read('open', claim('ben@localhost/phone'))).toBe('ben@localhost/phone')
  expect(read('open', '')).toBeUndefined()
})

it('takes no address from the archive of a room that hides them: a member may have written it', () => {
  expect(read('hidden', claim('ben@localhost/phone'))).toBeUndefined()
})

it('refuses two addresses, and a message of another room', () => {
  const two = claim('ben@localhost') + claim('mallory@localhost')
  for (const room of ['open', 'hidden'] as const) {
    expect(read(room, two)).toBe('WIRE_MALFORMED')
    expect(read(room, '', 'other@rooms.localhost/nick')).toBe('ACCESS_DENIED')
    expect(read(room, '', '')).toBe('WIRE_MALFORMED')
  }
})

it("believes no claim of a message in the account's own archive", () => {
  expect(read(undefined, claim('ben@localhost'), 'mallory@localhost/x', 'chat')).toBe('mallory@localhost/x')
  expect(read(undefined, claim('ben@localhost'))).toBeUndefined()
})
