/** An XMPP address (RFC 7622): `local@domain/resource`. */
export interface Jid {
  /** Empty for a server's own address. */
  readonly local: string
  readonly domain: string
  /** Of a device, or the nickname in a room; empty in a bare address. */
  readonly resource: string
  /** Without the resource: the account, or the room. */
  readonly bare: string
  /** All of it. */
  readonly full: string
}

/** RFC 7622: each part at most 1,023 bytes. */
const MAX_PART_CHARACTERS = 1_023

/**
 * Takes an address apart. Letter case does not count before the slash; everything else is as the server wrote
 * it, since servers prepare the addresses that they stamp on stanzas.
 *
 * @returns undefined if it is none.
 */
export function parseJid(text: string | undefined): Jid | undefined {
  if (text === undefined) return undefined
  const slash = text.indexOf('/')
  const account = (slash < 0 ? text : text.slice(0, slash)).toLowerCase()
  const resource = slash < 0 ? '' : text.slice(slash + 1)
  const at = account.indexOf('@')
  const local = at < 0 ? '' : account.slice(0, at)
  const domain = account.slice(at + 1)
  if (at === 0 || domain === '' || domain.includes('@') || (slash >= 0 && resource === '')) return undefined
  if ([local, domain, resource].some((part) => part.length > MAX_PART_CHARACTERS)) return undefined
  return { local, domain, resource, bare: account, full: slash < 0 ? account : `${account}/${resource}` }
}

/** @throws TypeError if it is no address. */
export function requireJid(text: string): Jid {
  const jid = parseJid(text)
  if (!jid) throw new TypeError('not an XMPP address')
  return jid
}

/**
 * Whether a stanza's `from` is this account or room. Servers stamp `from` on whatever others send; a stanza
 * without one is from the own account (RFC 6120 §8.1.2.1).
 *
 * @param own - the own address, full or bare.
 */
export function isFrom(from: string | undefined, bare: string, own: Jid): boolean {
  return from === undefined ? bare === own.bare : parseJid(from)?.full === bare
}
