import { type ErrorCode, KeyhavenError, toBase64url } from '@keyhaven/crypto'
import { fromRecord, toRecord } from '../device/key-record.ts'
import { archiveName, decodeArchivedKey, encodeArchivedKey } from '../history/archive.ts'
import type { LoadedSession, ReceivingSessions } from '../session/receiving-sessions.ts'
import type { StoreChange } from '../store/messaging-store.ts'
import type { Envelope } from '../wire/envelope.ts'
import type { MessageFrame } from '../wire/message-frame.ts'
import type { Context } from './context.ts'
import type { MessageOpener } from './message-opener.ts'
import type { Decrypted, DeviceName, Repair } from './messenger.ts'
import { decrypted, isSameDevice, openFailed, requireSender } from './received-message.ts'
import { decodeMessageKeys, encodeRepairRequest } from './repair-envelope.ts'

/** Sessions that this device asked to be repaired: keys for others are not taken. */
export const ASKED_PREFIX = 'asked/'
/** Keys sent again, until they are used, and then the mark that they were. */
export const REPAIRED_PREFIX = 'repaired/'
const READ_PREFIX = 'read/'
const REQUEST_ID_BYTES = 16

export interface AskedRecord {
  readonly to: DeviceName
  /** Seconds since epoch. */
  readonly at: number
}

/** Keys of messages that this device asked for again: the requests, what came, and what was read by it. */
export class RepairedKeys {
  readonly #context: Context
  readonly #sessions: ReceivingSessions
  readonly #opener: MessageOpener

  constructor(context: Context, sessions: ReceivingSessions, opener: MessageOpener) {
    this.#context = context
    this.#sessions = sessions
    this.#opener = opener
  }

  /**
   * Keys sent again: only for sessions that were asked about, and only by the device that was asked. In a session that
   * others have the key of, one of them could have made them.
   */
  async take(
    envelope: Envelope,
    frame: MessageFrame,
    { sole }: LoadedSession,
  ): Promise<{ change: StoreChange; messages: { session: string; n: number }[] }> {
    const { store, clock } = this.#context
    const { session, aead, keys } = decodeMessageKeys(frame.body)
    const asked = await store.get(ASKED_PREFIX + session)
    if (!sole || !asked || !isSameDevice(fromRecord<AskedRecord>(asked.value).to, envelope.from)) {
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

  async isArchived({ session, n }: Envelope): Promise<boolean> {
    return (await this.#context.store.get(archiveName(session, n))) !== undefined
  }

  async wasRead({ session, n }: Envelope): Promise<boolean> {
    return (await this.#context.store.get(READ_PREFIX + repairedName(session, n))) !== undefined
  }

  /** Opens a message by a key that was sent again. */
  async read(envelope: Envelope, reason: ErrorCode | undefined): Promise<Decrypted | undefined> {
    if (reason !== 'SESSION_UNKNOWN' && reason !== 'KEY_EXPIRED' && reason !== 'OPEN_FAILED') return undefined
    const { store, archive, people } = this.#context
    const name = repairedName(envelope.session, envelope.n)
    const stored = await store.get(REPAIRED_PREFIX + name)
    if (!stored) {
      if (await this.wasRead(envelope)) throw new KeyhavenError('DUPLICATE', 'this message was read already')
      return undefined
    }
    const kept = decodeArchivedKey(stored.value)
    if (!isSameDevice(kept.from, envelope.from)) return undefined
    const sender = await people.user(envelope.from.username)
    requireSender(sender, { device: envelope.from.device, chain: sender.user.chain })
    const frame = await this.#opener.open(envelope, kept)
    if (frame.kind === 'message-keys') throw openFailed()
    const isKept = await this.isArchived(envelope)
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

  /** A signed request to the sending device, for the key of this message. */
  async ask(envelope: Envelope): Promise<Repair> {
    const { application, backend, me, now, store } = this.#context
    const to: DeviceName = envelope.from
    if (me.entry === undefined) throw new KeyhavenError('NOT_FOUND', 'this device is not recorded yet')
    const key = ASKED_PREFIX + envelope.session
    const stored = await store.get(key)
    if (!stored || !isSameDevice(fromRecord<AskedRecord>(stored.value).to, to)) {
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

const repairedName = (session: string, n: number): string => `${session}/${n}`
