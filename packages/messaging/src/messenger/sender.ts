import { KeyhavenError, overwrite, toBase64url, utf8 } from '@keyhaven/crypto'
import type { ArchivedKey } from '../history/archive.ts'
import { fingerprintFor, openSendingSession } from '../session/open-sending-session.ts'
import { keyOfAead, ZERO_NONCE } from '../session/ratchet.ts'
import type { SendingSession } from '../session/sending-session.ts'
import { bareNote } from '../wire/bare-note.ts'
import { encodeEnvelope } from '../wire/envelope.ts'
import { MAX_ENVELOPE_CHARACTERS } from '../wire/limits.ts'
import { requireUsername } from '../wire/member-checks.ts'
import { encodeFrame, type MessageFrame } from '../wire/message-frame.ts'
import { messageHeader } from '../wire/message-header.ts'
import type { Context } from './context.ts'
import type { DeviceName, Encrypted } from './messenger.ts'

/** The first message of a session carries the newest checkpoint, and then each hundredth. */
const CHECKPOINT_EVERY = 100
/** Message keys kept in memory for repairs while the archive is off. */
const MAX_RECENT_KEYS = 1_000
/** Old sessions whose answers still count. */
const MAX_SENDING_SESSIONS = 20_000

interface Content {
  readonly kind: MessageFrame['kind']
  readonly body: Uint8Array
}

/** Everything that this device sends. */
export class Sender {
  readonly #context: Context
  /** By recipient. */
  readonly #sessions = new Map<string, SendingSession>()
  readonly #byId = new Map<string, SendingSession>()
  readonly #opening = new Map<string, Promise<SendingSession>>()
  readonly #recent = new Map<string, ArchivedKey>()

  constructor(context: Context) {
    this.#context = context
  }

  async encrypt(
    to: string,
    content: string | Uint8Array,
    options: { readonly newSession?: boolean } = {},
  ): Promise<Encrypted> {
    if (
      typeof content === 'string'
        ? content.length > MAX_ENVELOPE_CHARACTERS
        : !(content instanceof Uint8Array)
    ) {
      if (typeof content === 'string') {
        const what = `the message is too long: its envelope would be over ${MAX_ENVELOPE_CHARACTERS} characters`
        throw new KeyhavenError('WIRE_TOO_LARGE', what)
      }
      throw new TypeError('content must be a string or a Uint8Array')
    }
    requireRecipient(to)
    if (options.newSession) this.renew(to)
    const message: Content =
      typeof content === 'string' ? { kind: 'text', body: utf8(content) } : { kind: 'bytes', body: content }
    for (;;) {
      let session = this.#sessions.get(to)
      if (!session || !this.#isUsable(session)) session = await this.#ready(to)
      const sent = await this.#seal(session, message)
      if (sent) return sent
    }
  }

  /** Encrypts to one device alone, in a session of its own. */
  async encryptTo(only: DeviceName, content: Content): Promise<Encrypted> {
    const session = await openSendingSession(this.#context, { username: only.username, only })
    const sent = await this.#seal(session, content)
    session.end()
    return sent!
  }

  renew(to: string): void {
    const session = this.#sessions.get(to)
    if (session) this.#drop(session)
  }

  /** Ends the session with this id, if it is one of ours. */
  end(id: string): void {
    const session = this.#byId.get(id)
    if (session) this.#drop(session)
  }

  /** A device has the keys of these sessions. */
  answered(by: DeviceName, sessions: readonly string[]): void {
    for (const id of sessions) this.#byId.get(id)?.answered(by)
  }

  /** Key of a message that this process sent, where there is no archive. */
  recentKey(session: string, n: number): ArchivedKey | undefined {
    return this.#recent.get(`${session}/${n}`)
  }

  close(): void {
    for (const session of this.#byId.values()) session.end()
    for (const { messageKey } of this.#recent.values()) overwrite(messageKey)
    this.#sessions.clear()
    this.#byId.clear()
    this.#recent.clear()
  }

  #isUsable(session: SendingSession): boolean {
    const now = this.#context.clock()
    return (
      !session.ended &&
      now < session.parts.endsAt &&
      session.parts.chain.next < this.#context.settings.maxSessionMessages &&
      now < session.checkedUntil &&
      session.checkedGeneration === this.#context.people.generation
    )
  }

  /** The session to send in: checked again, or a new one. Concurrent callers share it. */
  #ready(username: string): Promise<SendingSession> {
    let opening = this.#opening.get(username)
    if (!opening) {
      opening = this.#open(username).finally(() => this.#opening.delete(username))
      this.#opening.set(username, opening)
    }
    return opening
  }

  async #open(username: string): Promise<SendingSession> {
    const context = this.#context
    const before = this.#sessions.get(username)
    if (before && (await this.#isUnchanged(before))) return before
    if (before) this.#drop(before)
    const session = await openSendingSession(context, { username })
    session.recipient = username
    this.#sessions.set(username, session)
    this.#byId.set(session.parts.id, session)
    if (this.#byId.size > MAX_SENDING_SESSIONS) this.#drop(this.#byId.values().next().value!)
    return session
  }

  /** Looks everybody up again: a device that joined, left or renewed ends the session. */
  async #isUnchanged(session: SendingSession): Promise<boolean> {
    const { clock, people, settings } = this.#context
    const { chain, endsAt, fingerprints, usernames } = session.parts
    if (session.ended || clock() >= endsAt || chain.next >= settings.maxSessionMessages) return false
    const { generation } = people
    let checkedUntil = Number.POSITIVE_INFINITY
    for (const username of usernames) {
      const { fingerprint, known } = await fingerprintFor(this.#context, username)
      if (fingerprint !== fingerprints.get(username)) return false
      // A user who cannot be looked up is tried again with the next look-up of the others.
      if (known) checkedUntil = Math.min(checkedUntil, known.relyUntil)
    }
    session.checkedUntil = checkedUntil
    session.checkedGeneration = generation
    return true
  }

  /** @returns undefined if the session ended or filled up meanwhile. */
  async #seal(session: SendingSession, content: Content): Promise<Encrypted | undefined> {
    const context = this.#context
    const { parts } = session
    const repeating = session.negotiation()
    const negotiation = repeating instanceof Promise ? await repeating : repeating
    const checkpoint = parts.chain.next % CHECKPOINT_EVERY === 0 ? await this.#checkpoint() : undefined
    if (session.ended || parts.chain.next >= context.settings.maxSessionMessages) return undefined
    const sentAt = context.clock()
    const acknowledged = context.acknowledgements.take(parts.recipients)
    const frame = encodeFrame({ ...content, sentAt, acknowledged, checkpoint })
    const taking = parts.chain.take()
    const { n, messageKey } = taking instanceof Promise ? await taking : taking
    const header = messageHeader(parts.headerHead, n, negotiation?.hash)
    const importing = context.backend.importAeadKey(parts.aead, keyOfAead(parts.aead, messageKey))
    const key = importing instanceof Promise ? await importing : importing
    const sealing = key.seal(ZERO_NONCE, frame, header)
    const ciphertext = toBase64url(sealing instanceof Promise ? await sealing : sealing)
    const envelope = encodeEnvelope(parts.envelopeHead, n, negotiation?.json ?? '', ciphertext)
    const keeping = this.#keepKey(session, n, messageKey, sentAt)
    if (keeping) await keeping
    return { envelope, session: parts.id, n, recipients: parts.recipients, leftOut: parts.leftOut }
  }

  #keepKey(
    session: SendingSession,
    n: number,
    messageKey: Uint8Array,
    at: number,
  ): Promise<unknown> | undefined {
    const { archive, me, store } = this.#context
    const { aead, id } = session.parts
    const kept: ArchivedKey = { from: { username: me.username, device: me.device }, aead, messageKey, at }
    const change = archive.entry(id, n, kept)
    if (change) {
      const committing = store.commit(change)
      return committing instanceof Promise ? committing : undefined
    }
    this.#recent.set(`${id}/${n}`, kept)
    if (this.#recent.size > MAX_RECENT_KEYS) {
      const oldest = this.#recent.keys().next().value!
      overwrite(this.#recent.get(oldest)!.messageKey)
      this.#recent.delete(oldest)
    }
    return undefined
  }

  async #checkpoint(): Promise<string | undefined> {
    const checkpoint = await this.#context.directory.checkpoint()
    return checkpoint && bareNote(checkpoint.note)
  }

  #drop(session: SendingSession): void {
    session.end()
    this.#byId.delete(session.parts.id)
    const { recipient } = session
    if (recipient !== undefined && this.#sessions.get(recipient) === session) this.#sessions.delete(recipient)
  }
}

function requireRecipient(to: string): void {
  if (typeof to !== 'string') throw new TypeError('to must be a username: a message is for one person')
  try {
    requireUsername(to)
  } catch {
    throw new KeyhavenError('INPUT_INVALID', 'the recipient is no valid username')
  }
}
