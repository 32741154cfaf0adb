import { type ErrorCode, KeyhavenError } from '@keyhaven/crypto'
import { type ArchivedKey, archiveName, decodeArchivedKey } from '../history/archive.ts'
import { acceptNegotiation } from '../session/accept-negotiation.ts'
import { advanceChain } from '../session/advance-chain.ts'
import { messageAead } from '../session/profiles.ts'
import { type LoadedSession, ReceivingSessions } from '../session/receiving-sessions.ts'
import type { StoreChange } from '../store/messaging-store.ts'
import { decodeEnvelope, type Envelope } from '../wire/envelope.ts'
import { acknowledgedIds } from '../wire/message-frame.ts'
import { adviceOnReceiving } from './advice.ts'
import type { Context } from './context.ts'
import { MessageError } from './message-error.ts'
import { MessageOpener } from './message-opener.ts'
import type { ContactTrust, Decrypted, Repair } from './messenger.ts'
import { decrypted, isSameDevice, openFailed, requireSender } from './received-message.ts'
import { ASKED_PREFIX, RepairedKeys } from './repaired-keys.ts'
import type { Sender } from './sender.ts'

/** How often another process may be first with the same session, before it is given up. */
const ADVANCE_ATTEMPTS = 64

/** Everything that this device receives. */
export class Receiver {
  readonly #context: Context
  readonly #sender: Sender
  readonly #sessions: ReceivingSessions
  readonly #opener: MessageOpener
  readonly #repairs: RepairedKeys
  readonly #busy = new Map<string, Promise<unknown>>()
  /** The last checkpoint that was compared, by whose note it was. */
  #comparedNote: string | undefined

  constructor(context: Context, sender: Sender) {
    this.#context = context
    this.#sender = sender
    this.#sessions = new ReceivingSessions(context.store)
    this.#opener = new MessageOpener(context)
    this.#repairs = new RepairedKeys(context, this.#sessions, this.#opener)
  }

  async decrypt(text: string): Promise<Decrypted> {
    let envelope: Envelope | undefined
    let running: Promise<Decrypted> | undefined
    try {
      envelope = decodeEnvelope(text)
      running = this.#afterOthers(envelope)
      this.#busy.set(envelope.session, running)
      return await running
    } catch (error) {
      throw this.#explained(error, envelope)
    } finally {
      if (envelope && this.#busy.get(envelope.session) === running) this.#busy.delete(envelope.session)
    }
  }

  /** Reads by the archive, moves no session. */
  async decryptArchived(text: string): Promise<Decrypted> {
    let envelope: Envelope | undefined
    try {
      envelope = decodeEnvelope(text)
      const { session, n } = envelope
      this.#requireApplication(envelope)
      const stored = await this.#context.store.get(archiveName(session, n))
      const kept = stored ? decodeArchivedKey(stored.value) : this.#sender.recentKey(session, n)
      if (!kept || !isSameDevice(kept.from, envelope.from)) {
        throw new KeyhavenError('HISTORY_UNAVAILABLE', 'the key of this message is not in the archive')
      }
      const frame = await this.#opener.open(envelope, kept)
      return decrypted(envelope, frame, await this.#trustIn(envelope.from.username))
    } catch (error) {
      throw this.#explained(error, envelope)
    }
  }

  /** The archive is read without the directory, too; a mark counts only if it could be checked. */
  async #trustIn(username: string): Promise<ContactTrust> {
    try {
      return (await this.#context.people.user(username)).trust
    } catch {
      return 'known'
    }
  }

  async end(session: string): Promise<void> {
    await this.#sessions.end(session)
  }

  endOlderThan(issued: number): Promise<number> {
    return this.#sessions.endOlderThan(issued)
  }

  close(): void {
    this.#sessions.clear()
    this.#opener.clear()
  }

  /** One message of a session after the other: they share a chain. */
  #afterOthers(envelope: Envelope): Promise<Decrypted> {
    const receive = (): Promise<Decrypted> => this.#receive(envelope)
    const before = this.#busy.get(envelope.session)
    return before ? before.then(receive, receive) : receive()
  }

  async #receive(envelope: Envelope): Promise<Decrypted> {
    this.#requireApplication(envelope)
    const { me } = this.#context
    if (envelope.from.device === me.device && envelope.from.username === me.username) {
      throw new KeyhavenError('DUPLICATE', 'this device sent the message itself')
    }
    for (let attempt = 0; attempt < ADVANCE_ATTEMPTS; attempt++) {
      const cached = this.#sessions.cached(envelope.session)
      const known = cached ?? (await this.#sessions.load(envelope.session))
      try {
        if (known === 'ended') throw new KeyhavenError('SESSION_UNKNOWN', 'the session has ended')
        const loaded = known ?? (await this.#negotiated(envelope))
        const received = await this.#advance(envelope, loaded, attempt > 0)
        if (received) return received
      } catch (error) {
        if (cached && codeOf(error) === 'SESSION_UNKNOWN') {
          // Too far ahead of what this process knows; another may have brought the chain nearer.
          this.#sessions.forget(envelope.session)
          continue
        }
        const repaired = known && known !== 'ended' ? known.session.repaired : true
        if (!repaired && codeOf(error) !== 'SESSION_UNKNOWN') throw error
        const read = await this.#repairs.read(envelope, codeOf(error))
        if (!read) throw error
        return read
      }
    }
    throw new KeyhavenError('STORE_UNAVAILABLE', 'the store is changed by others all the time')
  }

  async #negotiated(envelope: Envelope): Promise<LoadedSession> {
    if (!envelope.negotiation) {
      throw new KeyhavenError('SESSION_UNKNOWN', 'this device does not have the session key')
    }
    const accepted = await acceptNegotiation(this.#context, envelope)
    const asked = await this.#context.store.get(ASKED_PREFIX + envelope.session)
    return {
      session: { ...accepted.session, repaired: asked !== undefined },
      chain: accepted.chain,
      version: null,
      sole: accepted.sole,
      // Nobody may ask for its keys between this look and the moment it is stored.
      guard: { key: ASKED_PREFIX + envelope.session, version: asked?.version ?? null },
    }
  }

  /** @returns undefined if another process moved the session on: load it again. */
  async #advance(envelope: Envelope, loaded: LoadedSession, again: boolean): Promise<Decrypted | undefined> {
    const { backend, people, archive, clock } = this.#context
    const { session } = loaded
    const { from, n } = envelope
    if (session.username !== from.username || session.device !== from.device) throw openFailed()
    const looking = people.user(from.username)
    const sender = looking instanceof Promise ? await looking : looking
    requireSender(sender, session)
    if (session.repaired && (await this.#repairs.wasRead(envelope))) {
      throw new KeyhavenError('DUPLICATE', 'this message was read already')
    }
    const advancing = advanceChain(backend, loaded.chain, n)
    const { messageKey, after } = advancing instanceof Promise ? await advancing : advancing
    const kept: ArchivedKey = { from, aead: messageAead(session.profile), messageKey, at: clock() }
    const opening = this.#opener.open(envelope, kept)
    const frame = opening instanceof Promise ? await opening : opening
    if (frame.checkpoint !== undefined) await this.#compareCheckpoint(frame.checkpoint)
    const repaired =
      frame.kind === 'message-keys' ? await this.#repairs.take(envelope, frame, loaded) : undefined
    // History that was handed over may hold this message: then its key is in the archive already.
    const isKept = repaired !== undefined || (again && (await this.#repairs.isArchived(envelope)))
    const archived = isKept ? undefined : archive.entry(envelope.session, n, kept)
    const also: Partial<StoreChange> | undefined =
      repaired?.change ?? (archived && { ...archived, relaxed: true })
    const storing = this.#sessions.advance(envelope.session, loaded, after, also)
    const stored = storing instanceof Promise ? await storing : storing
    if (!stored) return undefined
    if (envelope.negotiation) this.#context.acknowledgements.note(from, envelope.session)
    if (frame.acknowledged.length > 0) this.#sender.answered(from, acknowledgedIds(frame))
    const content = decrypted(envelope, frame, sender.trust)
    return repaired
      ? { ...content, text: undefined, bytes: new Uint8Array(0), repaired: repaired.messages }
      : content
  }

  #requireApplication(envelope: Envelope): void {
    if (envelope.application !== this.#context.application) throw openFailed()
  }

  /** Both sides must see one log. A note that is none says something about its sender only. */
  async #compareCheckpoint(note: string): Promise<void> {
    if (note === this.#comparedNote) return
    try {
      await this.#context.directory.compareCheckpoint(note)
      this.#comparedNote = note
    } catch (error) {
      if (codeOf(error) === 'LOG_INCONSISTENT') throw error
    }
  }

  #explained(error: unknown, envelope: Envelope | undefined): unknown {
    if (!(error instanceof KeyhavenError) || error instanceof MessageError) return error
    const { code, message } = error
    const repair = envelope ? this.#repairOf(code, envelope) : undefined
    const advice = adviceOnReceiving(code)
    return new MessageError(code, message, { advice, cause: error, ...(repair ? { repair } : {}) })
  }

  #repairOf(code: ErrorCode, envelope: Envelope): (() => Promise<Repair>) | undefined {
    switch (code) {
      case 'SESSION_UNKNOWN':
      case 'KEY_EXPIRED':
      case 'SIGNATURE_INVALID':
      case 'OPEN_FAILED':
        return () => this.#repairs.ask(envelope)
      case 'DIRECTORY_STALE':
      case 'KEY_NOT_YET_VALID':
      case 'STORE_UNAVAILABLE':
      case 'RATE_LIMITED':
        return async () => {
          this.#context.people.forget(envelope.from.username)
          return { action: 'retry' }
        }
      default:
        return undefined
    }
  }
}

const codeOf = (error: unknown): ErrorCode | undefined =>
  error instanceof KeyhavenError ? error.code : undefined
