import { KeyhavenError } from '@keyhaven/crypto'
import { NS_DATA, NS_MUC, NS_MUC_USER } from '../codec/namespaces.ts'
import { childNamed, childrenNamed, type QualifiedElement, qualify } from '../codec/xml-element.ts'
import { type Jid, parseJid, requireJid } from './jid.ts'
import { conditionOf, requestError } from './stanza-error.ts'
import type { XmlFactory, XmppClient } from './xmpp-client.ts'

const NS_MUC_OWNER = `${NS_MUC}#owner`
const NS_ROOM_CONFIG = `${NS_MUC}#roomconfig`
/** XEP-0030. */
const NS_DISCO_INFO = 'http://jabber.org/protocol/disco#info'
/** XEP-0045 §6.4: a non-anonymous room. */
const FEATURE_OPEN = 'muc_nonanonymous'
/** XEP-0045 §15.6.2: this presence is one's own. */
const STATUS_SELF = '110'
/** A room was made by entering it, and waits for its settings. */
const STATUS_CREATED = '201'
const JOIN_TIMEOUT_MS = 10_000

export interface JoinOptions {
  /** Nickname; the own local part if left out. */
  readonly nick?: string
  readonly password?: string
}

/** A room that this client is in. */
export interface Room {
  /** Bare address. */
  readonly jid: string
  readonly nick: string
  /**
   * Whether the room shows who its occupants really are: of everybody in it. In a room that hides it, senders
   * are not compared with who signed.
   */
  readonly showsOccupants: boolean
}

interface Entered {
  readonly jid: Jid
  readonly nick: string
  readonly password: string | undefined
  /** Real addresses by nickname, undefined where the room hides it. */
  readonly occupants: Map<string, Jid | undefined>
  /** Set while it is being entered. */
  settle: { entered(): void; refused(error: KeyhavenError): void } | undefined
}

/**
 * Multi-user chat (XEP-0045): enters rooms, and knows who stands behind a nickname as far as the room says.
 */
export class Rooms {
  readonly #client: XmppClient
  readonly #xml: XmlFactory
  readonly #newId: () => string
  readonly #onError: (error: unknown) => void
  readonly #rooms = new Map<string, Entered>()

  constructor(parts: {
    client: XmppClient
    xml: XmlFactory
    newId: () => string
    onError: (error: unknown) => void
  }) {
    this.#client = parts.client
    this.#xml = parts.xml
    this.#newId = parts.newId
    this.#onError = parts.onError
  }

  /**
   * @throws KeyhavenError `UPSTREAM_REFUSED` with the room's condition, `UPSTREAM_FAILED` without an answer
   * in 10 s.
   */
  async join(address: string, options: JoinOptions = {}): Promise<Room> {
    const jid = requireJid(requireJid(address).bare)
    const nick = options.nick ?? parseJid(this.#client.jid?.toString())?.local
    if (!nick) throw new TypeError('no nickname')
    const room: Entered = { jid, nick, password: options.password, occupants: new Map(), settle: undefined }
    this.#rooms.set(jid.bare, room)
    try {
      await this.#enter(room)
    } catch (error) {
      this.#rooms.delete(jid.bare)
      throw requestError(error, 'the room')
    }
    return this.find(jid)!
  }

  async leave(room: string): Promise<void> {
    const entered = this.#rooms.get(requireJid(room).bare)
    if (!entered) return
    this.#rooms.delete(entered.jid.bare)
    await this.#client.send(
      this.#xml('presence', { to: `${entered.jid.bare}/${entered.nick}`, type: 'unavailable' }),
    )
  }

  /**
   * Whether a room shows now who its occupants are, to everybody: only then are the senders in its archive
   * its own word. Elsewhere they could be what a member wrote into the message: not every server takes that
   * out (Prosody 0.12 stores it).
   */
  async isOpen(room: Jid): Promise<boolean> {
    const xml = this.#xml
    const query = xml('query', { xmlns: NS_DISCO_INFO })
    const answer = await this.#client.iqCaller
      .request(xml('iq', { type: 'get', to: room.bare, id: this.#newId() }, query))
      .catch((error: unknown) => Promise.reject(requestError(error, 'the room')))
    if (parseJid(answer.attrs.from)?.full !== room.bare) return false
    const info = childNamed(qualify(answer), 'query', NS_DISCO_INFO)
    const features = info ? childrenNamed(info, 'feature', NS_DISCO_INFO) : []
    return features.some(({ element }) => element.attrs.var === FEATURE_OPEN)
  }

  /** In a new session the server has forgotten them. @returns when they are entered, or refuse. */
  async joinAgain(): Promise<void> {
    const entering = [...this.#rooms.values()].map((room) => {
      room.occupants.clear()
      return this.#enter(room).catch(this.#onError)
    })
    await Promise.all(entering)
  }

  /** @returns undefined for an address that is no room this client is in. */
  find(jid: Jid): Room | undefined {
    const room = this.#rooms.get(jid.bare)
    if (!room) return undefined
    const showsOccupants = [...room.occupants.values()].every((real) => real !== undefined)
    return { jid: room.jid.bare, nick: room.nick, showsOccupants }
  }

  /** @returns undefined if the room hides it, or nobody has this nickname now. */
  realJid(occupant: Jid): Jid | undefined {
    return this.#rooms.get(occupant.bare)?.occupants.get(occupant.resource)
  }

  onPresence(presence: QualifiedElement): void {
    const { from, type } = presence.element.attrs
    const occupant = parseJid(from)
    const room = occupant && this.#rooms.get(occupant.bare)
    if (!room) return
    if (type === 'error') {
      room.settle?.refused(
        new KeyhavenError('UPSTREAM_REFUSED', `the room refuses: ${conditionOf(presence) ?? 'error'}`),
      )
      return
    }
    const user = childNamed(presence, 'x', NS_MUC_USER)
    if (!user || occupant.resource === '') return
    if (type === 'unavailable') {
      room.occupants.delete(occupant.resource)
      return
    }
    const item = childNamed(user, 'item', NS_MUC_USER)
    room.occupants.set(occupant.resource, parseJid(item?.element.attrs.jid))
    const codes = childrenNamed(user, 'status', NS_MUC_USER).map(({ element }) => element.attrs.code)
    if (!codes.includes(STATUS_SELF)) return
    const configured = codes.includes(STATUS_CREATED) ? this.#configure(room) : Promise.resolve()
    configured.then(
      () => room.settle?.entered(),
      (error) => room.settle?.refused(requestError(error, 'settings of the room')),
    )
  }

  /** @returns when the room has shown this client its own presence. */
  async #enter(room: Entered): Promise<void> {
    let timer: ReturnType<typeof setTimeout> | undefined
    const entered = new Promise<void>((resolve, reject) => {
      const late = () => reject(new KeyhavenError('UPSTREAM_FAILED', 'the room does not answer'))
      timer = setTimeout(late, JOIN_TIMEOUT_MS)
      room.settle = { entered: resolve, refused: reject }
    })
    try {
      await Promise.all([entered, this.#sendEntry(room)])
    } finally {
      clearTimeout(timer)
      room.settle = undefined
    }
  }

  /** Without the room's own history: who wrote it cannot be told from nicknames that others may have now. */
  async #sendEntry({ jid, nick, password }: Entered): Promise<void> {
    const xml = this.#xml
    const children = [xml('history', { maxstanzas: '0' })]
    if (password !== undefined) children.push(xml('password', {}, password))
    const enter = xml('x', { xmlns: NS_MUC }, ...children)
    await this.#client.send(xml('presence', { to: `${jid.bare}/${nick}` }, enter))
  }

  /**
   * A new room opens with its first settings: everybody sees who is in it, and it stays when all have left.
   */
  async #configure({ jid }: Entered): Promise<void> {
    const xml = this.#xml
    const field = (name: string, value: string) => xml('field', { var: name }, xml('value', {}, value))
    const form = xml(
      'x',
      { xmlns: NS_DATA, type: 'submit' },
      field('FORM_TYPE', NS_ROOM_CONFIG),
      field('muc#roomconfig_whois', 'anyone'),
      field('muc#roomconfig_persistentroom', '1'),
    )
    const query = xml('query', { xmlns: NS_MUC_OWNER }, form)
    await this.#client.iqCaller.request(xml('iq', { type: 'set', to: jid.bare, id: this.#newId() }, query))
  }
}
