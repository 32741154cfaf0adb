import {
  type Awaitable,
  type ErrorCode,
  fromBase64url,
  fromUtf8,
  KeyhavenError,
  toBase64url,
} from '@keyhaven/crypto'
import { fromRecord, toRecord } from '../device/key-record.ts'
import { type ArchivedKey, archiveName, decodeArchivedKey, encodeArchivedKey } from '../history/archive.ts'
import { acceptNegotiation, refusedSender } from '../session/accept-negotiation.ts'
import { advanceChain } from '../session/advance-chain.ts'
import { chain } from '../session/chain.ts'
import { messageAead } from '../session/profiles.ts'
import { keyOfAead, ZERO_NONCE } from '../session/ratchet.ts'
import type { ReceivingSession } from '../session/receiving-record.ts'
import { type LoadedSession, ReceivingSessions } from '../session/receiving-sessions.ts'
import type { StoreChange } from '../store/messaging-store.ts'
import { decodeEnvelope, type Envelope } from '../wire/envelope.ts'
import { acknowledgedIds, decodeFrame, type MessageFrame } from '../wire/message-frame.ts'
import { messageHeader, messageHeaderHead, negotiationBytes } from '../wire/message-header.ts'
import { adviceOn } from './advice.ts'
import type { Context } from './context.ts'
import { MessageError } from './message-error.ts'
import type { ContactTrust, Decrypted, DeviceName, Repair } from './messenger.ts'
import type { KnownUser } from './people.ts'
import { decodeMessageKeys, encodeRepairRequest } from './repair-envelope.ts'
import type { Sender } from './sender.ts'

/** Sessions that this device asked to be repaired: keys for others are not taken. */
export const ASKED_PREFIX = 'asked/'
/** Keys sent again, until they are used, and then the mark that they were. */
export const REPAIRED_PREFIX = 'repaired/'
const READ_PREFIX = 'read/'
const REQUEST_ID_BYTES = 16
/** Heads of headers kept, one for each session. */
const MAX_CACHED_HEADS = 20_000
/** How often another process may be first with the same session, before it is given up. */
const ADVANCE_ATTEMPTS = 64

/** Everything that this device receives. */
export class Receiver {
  readonly #context: Context
  readonly #sender: Sender
  readonly #sessions: ReceivingSessions
  readonly #busy = new Map<string, Promise<unknown>>()
  readonly #heads = new Map<string, Uint8Array>()
  /** The last checkpoint that was compared, by whose note it was. */
  #comparedNote: string | undefined

  constructor(context: Context, sender: Sender) {
    this.#context = context
    this.#sender = sender
    this.#sessions = new ReceivingSessions(context.store)
  }

  async decrypt(text: string): Promise<Decrypted> {
    let envelope: Envelope | undefined
    try {
      envelope = decodeEnvelope(text)
      return await this.#alone(envelope)
    } catch (error) {
      throw this.#explained(error, envelope)
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
      if (!kept || !isSame(kept.from, envelope.from)) {
        throw new KeyhavenError('HISTORY_UNAVAILABLE', 'the key of this message is not in the archive')
      }
      const frame = await this.#openWith(envelope, kept)
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
    this.#heads.clear()
  }

  /** One message of a session after the other: they share a chain. */
  async #alone(envelope: Envelope): Promise<Decrypted> {
    const { session } = envelope
    const before = this.#busy.get(session)
    const running = before
      ? before.then(
          () => this.#receive(envelope),
          () => this.#receive(envelope),
        )
      : this.#receive(envelope)
    this.#busy.set(session, running)
    try {
      return await running
    } finally {
      if (this.#busy.get(session) === running) this.#busy.delete(session)
    }
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
        const read = await this.#readRepaired(envelope, codeOf(error))
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
    if (session.repaired && (await this.#wasRead(envelope))) {
      throw new KeyhavenError('DUPLICATE', 'this message was read already')
    }
    const advancing = advanceChain(backend, loaded.chain, n)
    const { messageKey, after } = advancing instanceof Promise ? await advancing : advancing
    const kept: ArchivedKey = { from, aead: messageAead(session.profile), messageKey, at: clock() }
    const opening = this.#openWith(envelope, kept)
    const frame = opening instanceof Promise ? await opening : opening
    if (frame.checkpoint !== undefined) await this.#compareCheckpoint(frame.checkpoint)
    const repaired = frame.kind === 'message-keys' ? await this.#takeKeys(envelope, frame, loaded) : undefined
    // History that was handed over may hold this message: then its key is in the archive already.
    const isKept = repaired !== undefined || (again && (await this.#isArchived(envelope)))
    const archived = isKept ? undefined : archive.entry(envelope.session, n, kept)
    const also: Partial<StoreChange> | undefined =
      repaired?.change ?? (archived && { ...archived, relaxed: true })
    const advanced = await this.#sessions.advance(envelope.session, loaded, after, also)
    if (!advanced) return undefined
    if (envelope.negotiation) this.#context.acknowledgements.note(from, envelope.session)
    if (frame.acknowledged.length > 0) this.#sender.answered(from, acknowledgedIds(frame))
    const content = decrypted(envelope, frame, sender.trust)
    return repaired
      ? { ...content, text: undefined, bytes: new Uint8Array(0), repaired: repaired.messages }
      : content
  }

  #openWith(envelope: Envelope, key: ArchivedKey): Awaitable<MessageFrame> {
    if (!envelope.negotiation) return this.#openUnder(envelope, key, undefined)
    const hashing = this.#context.backend.sha256(negotiationBytes(envelope.negotiation))
    return chain(hashing, (hash) => this.#openUnder(envelope, key, hash))
  }

  #openUnder(
    envelope: Envelope,
    { aead, messageKey }: ArchivedKey,
    negotiationHash: Uint8Array | undefined,
  ): Awaitable<MessageFrame> {
    const header = messageHeader(this.#headOf(envelope), envelope.n, negotiationHash)
    const ciphertext = fromBase64url(envelope.ciphertext)
    const importing = this.#context.backend.importAeadKey(aead, keyOfAead(aead, messageKey))
    return chain(importing, (key) => chain(key.open(ZERO_NONCE, ciphertext, header), decodeFrame))
  }

  /** First part of the header, kept for each session; it holds who sent it, so that this is compared, too. */
  #headOf(envelope: Envelope): Uint8Array {
    const name = `${envelope.session}${envelope.from.device}${envelope.from.username}`
    let head = this.#heads.get(name)
    if (!head) {
      head = messageHeaderHead(envelope)
      if (this.#heads.size >= MAX_CACHED_HEADS) this.#heads.clear()
      this.#heads.set(name, head)
    }
    return head
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

  /**
   * Keys sent again: only for sessions that were asked about, and only by the device that was asked. In a session that
   * others have the key of, one of them could have made them.
   */
  async #takeKeys(
    envelope: Envelope,
    frame: MessageFrame,
    { sole }: LoadedSession,
  ): Promise<{ change: StoreChange; messages: { session: string; n: number }[] }> {
    const { store, clock } = this.#context
    const { session, aead, keys } = decodeMessageKeys(frame.body)
    const asked = await store.get(ASKED_PREFIX + session)
    if (!sole || !asked || !isSame(fromRecord<AskedRecord>(asked.value).to, envelope.from)) {
      throw new KeyhavenError('ACCESS_DENIED', 'nobody asked for these keys')
    }
    const expect: { key: string; version: number | null }[] = []
    const put: { key: string; value: Uint8Array }[] = []
    const messages: { session: string; n: number }[] = []
    for (const [n, messageKey] of new Map(keys)) {
      const key = repairedName(session, n)
      if ((await store.get(READ_PREFIX + key)) || (await store.get(REPAIRED_PREFIX + key))) continue
      expect.push({ key: REPAIRED_PREFIX + key, version: null })
      const kept = { from: envelope.from, aead, messageKey, at: clock() }
      put.push({ key: REPAIRED_PREFIX + key, value: encodeArchivedKey(kept) })
      messages.push({ session, n })
    }
    return { change: { expect, put }, messages }
  }

  async #isArchived({ session, n }: Envelope): Promise<boolean> {
    return (await this.#context.store.get(archiveName(session, n))) !== undefined
  }

  async #wasRead({ session, n }: Envelope): Promise<boolean> {
    return (await this.#context.store.get(READ_PREFIX + repairedName(session, n))) !== undefined
  }

  /** Opens a message by a key that was sent again. */
  async #readRepaired(envelope: Envelope, reason: ErrorCode | undefined): Promise<Decrypted | undefined> {
    if (reason !== 'SESSION_UNKNOWN' && reason !== 'KEY_EXPIRED' && reason !== 'OPEN_FAILED') return undefined
    const { store, archive, people } = this.#context
    const name = repairedName(envelope.session, envelope.n)
    const stored = await store.get(REPAIRED_PREFIX + name)
    if (!stored) {
      if (await this.#wasRead(envelope)) throw new KeyhavenError('DUPLICATE', 'this message was read already')
      return undefined
    }
    const kept = decodeArchivedKey(stored.value)
    if (!isSame(kept.from, envelope.from)) return undefined
    const sender = await people.user(envelope.from.username)
    requireSender(sender, { device: envelope.from.device, chain: sender.user.chain })
    const frame = await this.#openWith(envelope, kept)
    if (frame.kind === 'message-keys') throw openFailed()
    const isKept = await this.#isArchived(envelope)
    const archived = isKept ? undefined : archive.entry(envelope.session, envelope.n, kept)
    const done = await store.commit({
      expect: [
        { key: REPAIRED_PREFIX + name, version: stored.version },
        { key: READ_PREFIX + name, version: null },
        ...(archived?.expect ?? []),
      ],
      put: [{ key: READ_PREFIX + name, value: new Uint8Array(0) }, ...(archived?.put ?? [])],
      delete: [REPAIRED_PREFIX + name],
    })
    if (!done) throw new KeyhavenError('DUPLICATE', 'this message was read already')
    return decrypted(envelope, frame, sender.trust)
  }

  #explained(error: unknown, envelope: Envelope | undefined): unknown {
    if (!(error instanceof KeyhavenError) || error instanceof MessageError) return error
    const { code, message } = error
    const repair = envelope ? this.#repairOf(code, envelope) : undefined
    const advice = RECEIVING_ADVICE[code] ?? adviceOn(code)
    return new MessageError(code, message, { advice, cause: error, ...(repair ? { repair } : {}) })
  }

  #repairOf(code: ErrorCode, envelope: Envelope): (() => Promise<Repair>) | undefined {
    switch (code) {
      case 'SESSION_UNKNOWN':
      case 'KEY_EXPIRED':
      case 'SIGNATURE_INVALID':
      case 'OPEN_FAILED':
        return () => this.#ask(envelope)
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

  /** A signed request to the sending device, for the key of this message. */
  async #ask(envelope: Envelope): Promise<Repair> {
    const { application, backend, me, now, store } = this.#context
    const to: DeviceName = envelope.from
    if (me.entry === undefined) throw new KeyhavenError('NOT_FOUND', 'this device is not recorded yet')
    const key = ASKED_PREFIX + envelope.session
    const stored = await store.get(key)
    if (!stored || !isSame(fromRecord<AskedRecord>(stored.value).to, to)) {
      const expect = [{ key, version: stored?.version ?? null }]
      await store.commit({ expect, put: [{ key, value: toRecord({ to, at: now() } satisfies AskedRecord) }] })
    }
    // From now on a message of this session may be read by either way: each must know of the other.
    await this.#sessions.markRepaired(envelope.session)
    const request = await encodeRepairRequest(me.signingKey, {
      v: 1,
      application,
      id: toBase64url(backend.randomBytes(REQUEST_ID_BYTES)),
      from: { username: me.username, device: me.device, entry: me.entry },
      to,
      session: envelope.session,
      numbers: [envelope.n],
      issued: now(),
    })
    return { action: 'send', to, envelope: request }
  }
}

export interface AskedRecord {
  readonly to: DeviceName
  /** Seconds since epoch. */
  readonly at: number
}

const RECEIVING_ADVICE: Partial<Record<ErrorCode, string>> = {
  DUPLICATE: 'The message was read or sent here already: the history that this device keeps has it.',
  HISTORY_UNAVAILABLE:
    'Read it on a device that has it, let that device hand its history over, or restore a backup with the recovery key.',
  KEY_EXPIRED: 'Ask the sender to send the key again: repair() makes the request.',
  OPEN_FAILED: 'The message was changed under way or is not for this device.',
  SENDER_REVOKED: 'Do not trust this message: the sending device was revoked.',
  SESSION_UNKNOWN: 'Ask the sender to send the key again: repair() makes the request.',
  WIRE_MALFORMED:
    'This is no message, or one that was cut under way: hand over the whole envelope, unchanged.',
  SIGNATURE_INVALID: 'Do not trust this message: its sender did not sign it for you.',
}

/** Asked at each message: the sender's device is neither revoked nor of a chain that was reset. */
function requireSender(
  { user, devices }: KnownUser,
  session: Pick<ReceivingSession, 'device' | 'chain'>,
): void {
  if (user.chain !== session.chain) throw refusedSender('CHAIN_RESET')
  if (devices.has(session.device)) return
  const refusal = user.refused.find(({ device }) => device === session.device)
  // A session that was negotiated under a valid key outlives that key's expiry, never a revocation.
  if (refusal?.code === 'KEY_EXPIRED') return
  throw refusedSender(refusal?.code ?? 'DEVICE_REVOKED')
}

function decrypted(envelope: Envelope, frame: MessageFrame, trust: ContactTrust): Decrypted {
  return {
    bytes: frame.body,
    text: frame.kind === 'text' ? fromUtf8(frame.body) : undefined,
    from: envelope.from,
    sentAt: new Date(frame.sentAt),
    session: envelope.session,
    n: envelope.n,
    trust,
    verified: trust === 'verified',
  }
}

const isSame = (a: DeviceName, b: DeviceName): boolean => a.device === b.device && a.username === b.username
const repairedName = (session: string, n: number): string => `${session}/${n}`
const codeOf = (error: unknown): ErrorCode | undefined =>
  error instanceof KeyhavenError ? error.code : undefined

function openFailed(): KeyhavenError {
  return new KeyhavenError('OPEN_FAILED', 'the message does not open')
}
