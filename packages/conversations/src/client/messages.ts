import { fromBase64, fromUtf8, KeyhavenError, toBase64, toBase64url, utf8 } from '@keyhaven/crypto'
import type { RecordedKey } from '@keyhaven/directory'
import { InOrder } from '../in-order.ts'
import {
  type ConversationState,
  isCurrentMember,
  knowsHead,
  memberAt,
} from '../membership/conversation-state.ts'
import { AUTHOR_SKEW_SECONDS } from '../membership/limits.ts'
import { mayWrite, mayWriteAt, type Who } from '../membership/rights.ts'
import { decodeFileContent, type FileContent } from '../message/file-content.ts'
import type { ContentKind, SignedMessage } from '../message/frame.ts'
import { MAX_PACKET_BYTES } from '../message/limits.ts'
import { newMessageId, openMessage, sealMessage, verifyMessage } from '../message/message.ts'
import { requirePacket } from '../message/packet.ts'
import { fileArgument } from './arguments.ts'
import type { ClientContext } from './client-context.ts'
import { ConversationError } from './conversation-error.ts'
import type { ConversationMessage, EncryptedMessage } from './conversations.ts'
import type { HeldKey, KeyRing } from './key-ring.ts'
import { type KnownMembership, type Memberships, SEND_REFRESH_SECONDS } from './memberships.ts'
import { Misses } from './misses.ts'
import type { SendKeys } from './send-keys.ts'

const MS_PER_SECOND = 1_000
/**
 * A sender asks for the membership before each message: so long an old one is sent under, whatever the clocks
 * say.
 */
const MAX_LATE_SECONDS = AUTHOR_SKEW_SECONDS + SEND_REFRESH_SECONDS
const MAX_PACKET_CHARACTERS = Math.ceil(MAX_PACKET_BYTES / 3) * 4

export interface DecryptOptions {
  readonly from?: string
  readonly archive?: boolean
}

/** Seals and opens messages of all conversations. */
export class Messages {
  readonly #context: ClientContext
  readonly #memberships: Memberships
  readonly #ring: KeyRing
  readonly #sendKeys: SendKeys
  readonly #misses: Misses
  /** Devices and heads that the server does not know either. */
  readonly #unknown: Misses
  /** Two messages at once agree on one key. */
  readonly #sending = new InOrder()

  constructor(context: ClientContext, memberships: Memberships, ring: KeyRing, sendKeys: SendKeys) {
    this.#context = context
    this.#memberships = memberships
    this.#ring = ring
    this.#sendKeys = sendKeys
    this.#misses = new Misses(context.clock)
    this.#unknown = new Misses(context.clock)
  }

  async encrypt(conversation: string, content: string | FileContent | Uint8Array): Promise<EncryptedMessage> {
    const encoded = encodeContent(content)
    const held = await this.#sending.run(conversation, async () => {
      const key = await this.#sendKeys.get(conversation)
      await this.#sendKeys.count(key)
      return key
    })
    const { backend, me, clock } = this.#context
    const { record, key } = held
    const id = newMessageId(backend)
    const packet = await sealMessage(backend, me.signingKey, key, {
      ...encoded,
      ...{ username: me.username, device: me.device, entry: me.entry!, id, time: clock() },
      membership: record.membership,
    })
    return { keyId: record.id, packet: toBase64(packet), id, leftOut: record.leftOut }
  }

  /** @throws KeyhavenError for each check that failed, in the order of the checks. */
  async decrypt(
    keyId: string,
    packet: Uint8Array | string,
    { from, archive = false }: DecryptOptions,
  ): Promise<ConversationMessage> {
    const bytes = typeof packet === 'string' ? packetOf(packet) : packet
    // Before any call.
    requirePacket(bytes)
    const held =
      (await this.#ring.held(keyId)) ?? (await this.#misses.watch(from, () => this.#ring.get(keyId)))
    const message = await openMessage(this.#context.backend, held.key, bytes)
    await this.#requireSender(held, message, from ?? message.username)
    if (from !== undefined && from !== message.username) {
      throw new ConversationError('SIGNATURE_INVALID', 'the message is by somebody else than it came from')
    }
    const content = decodeContent(message)
    await this.#requireUnseen(message, bytes, archive)
    const { kind, username, device, membership, id, time } = message
    return {
      conversation: held.record.conversation,
      ...{ id, from: { username, device }, time: new Date(time), kind, ...content, keyId, membership },
    }
  }

  /** @param sender - whose calls for what is not known here are counted. */
  async #requireSender({ record }: HeldKey, message: SignedMessage, sender: string): Promise<void> {
    const { backend, now } = this.#context
    const { username, membership } = message
    let known = await this.#memberships.get(record.conversation)
    if (membership.sequence > known.state.sequence) {
      this.#unknown.requireFew(sender)
      known = await this.#memberships.refresh(record.conversation)
      if (membership.sequence > known.state.sequence) this.#unknown.count(sender)
    }
    // Before anybody is looked up.
    if (!known.state.members.has(username)) {
      throw new ConversationError('ACCESS_DENIED', 'the message names a sender who never was a member', {
        reason: 'stranger',
      })
    }
    const at = Math.floor(message.time / MS_PER_SECOND)
    if (at > now() + AUTHOR_SKEW_SECONDS) {
      throw new KeyhavenError('CLOCK_SKEW', "the message is from the future: check this device's clock")
    }
    const key = await this.#keyOf(message, at, sender)
    await verifyMessage(backend, key.signingKey, message)
    const who = { username, chain: key.chain }
    known = await this.#requireLinked(known, record, message, who)
    requireRole(known, who, message)
    requireNotBefore(known, record, message)
  }

  /** A device that is not known here costs a look-up: a sender who invents them has so many. */
  async #keyOf(message: SignedMessage, at: number, sender: string): Promise<RecordedKey> {
    const { people } = this.#context
    const { username } = message
    if (await people.knowsDevice(username, message)) return people.keyAt(username, message, at)
    this.#unknown.requireFew(sender)
    try {
      return await people.keyAt(username, message, at)
    } finally {
      if (!(await people.knowsDevice(username, message))) this.#unknown.count(sender)
    }
  }

  /** The sender and this device know one history, and the sender kept to the key's membership. */
  async #requireLinked(
    known: KnownMembership,
    { conversation, membership: made }: HeldKey['record'],
    { membership }: SignedMessage,
    who: Who,
  ): Promise<KnownMembership> {
    try {
      if (!knowsHead(known.state, membership)) {
        throw new ConversationError(
          'MEMBERSHIP_FORKED',
          'the sender knows a membership that the server hides',
        )
      }
    } catch (error) {
      // Whoever is none, or only reads, could end everybody's sending with a head that is made up.
      if (!mayWrite(known.state, who)) throw notAWriter(known.state, who)
      await this.#memberships.markForked(conversation)
      throw error
    }
    if (membership.sequence === made.sequence && membership.head === made.head) return known
    throw new ConversationError('RECORD_INVALID', 'the message was sent under a key for another membership')
  }

  async #requireUnseen({ device, id }: SignedMessage, packet: Uint8Array, archive: boolean): Promise<void> {
    const { memory, backend } = this.#context
    const digest = toBase64url(await backend.sha256(packet))
    const name = `${device} ${id}`
    const isFirst = await memory.write('seen', name, digest, null)
    if (isFirst) return
    const seen = await memory.read<string>('seen', name)
    if (archive && seen?.value === digest) return
    const what = seen?.value === digest ? 'this message was read before' : 'another message has the same id'
    throw new ConversationError('DUPLICATE', what)
  }
}

/** He might write when the membership was as he says, and it still was so when he says to have written. */
function requireRole(
  { state }: KnownMembership,
  who: Who,
  { membership: { sequence }, time }: SignedMessage,
): void {
  if (!mayWriteAt(state, who, sequence)) {
    const reason = memberAt(state, who.username, sequence) ? 'role' : 'not-a-member'
    throw new ConversationError('ACCESS_DENIED', 'the sender might not write here', { reason })
  }
  const changedAt = state.times[sequence + 1]
  if (changedAt === undefined || time <= (changedAt + MAX_LATE_SECONDS) * MS_PER_SECOND) return
  if (!mayWrite(state, who)) throw notAWriter(state, who)
  throw new ConversationError(
    'DIRECTORY_STALE',
    'the sender did not know of a change of the membership: the server hides it, or his clock is wrong',
  )
}

/**
 * Whoever has a device that was revoked can date back what it signs, but not to before the key that it signs
 * under.
 */
function requireNotBefore(
  { state }: KnownMembership,
  { madeAt }: HeldKey['record'],
  { membership: { sequence }, time }: SignedMessage,
): void {
  const earliest = Math.max(madeAt, state.times[sequence]!) - AUTHOR_SKEW_SECONDS
  if (time >= earliest * MS_PER_SECOND) return
  throw new ConversationError('RECORD_INVALID', 'the message is dated before the key that it is under')
}

function notAWriter(state: ConversationState, who: Who): ConversationError {
  const member = state.members.get(who.username)
  const isIn = member !== undefined && isCurrentMember(member)
  const reason = !isIn ? 'removed' : member.chain === who.chain ? 'role' : 'reset'
  return new ConversationError('ACCESS_DENIED', 'the sender might not write here any more', { reason })
}

function encodeContent(content: string | FileContent | Uint8Array): {
  readonly kind: ContentKind
  readonly content: Uint8Array
} {
  if (typeof content === 'string') {
    if (!content.isWellFormed())
      throw new TypeError('the text has half a character: half of a surrogate pair')
    return { kind: 'text', content: utf8(content) }
  }
  if (content instanceof Uint8Array) return { kind: 'bytes', content }
  return { kind: 'file', content: fileArgument(content) }
}

function decodeContent({
  kind,
  content,
}: SignedMessage): Pick<ConversationMessage, 'text' | 'file' | 'bytes'> {
  if (kind === 'text') return { text: fromUtf8(content) }
  return kind === 'file' ? { file: decodeFileContent(content) } : { bytes: content }
}

function packetOf(text: string): Uint8Array {
  if (text.length > MAX_PACKET_CHARACTERS) {
    throw new KeyhavenError('WIRE_TOO_LARGE', 'the message is too long')
  }
  return fromBase64(text)
}
