import { KeyhavenError } from '@keyhaven/crypto'
import { fromRecord } from '../device/key-record.ts'
import { archiveName, decodeArchivedKey } from '../history/archive.ts'
import { SENT_PREFIX, type SentRecord } from '../session/open-sending-session.ts'
import type { Context } from './context.ts'
import type { DeviceName } from './messenger.ts'
import { decodeRepairRequest, encodeMessageKeys, type MessageKeys } from './repair-envelope.ts'
import type { Sender } from './sender.ts'

/** A request is answered for a month: so long a mailbox may have kept it. */
const MAX_REQUEST_AGE_SECONDS = 30 * 86_400
/** Requests remembered, so that none is answered twice by one process. */
const MAX_ANSWERED = 10_000

/** Sends message keys again, to whoever may have them. */
export class RepairAnswers {
  readonly #context: Context
  readonly #sender: Sender
  readonly #answered = new Set<string>()

  constructor(context: Context, sender: Sender) {
    this.#context = context
    this.#sender = sender
  }

  /**
   * @throws KeyhavenError `ACCESS_DENIED` unless the messages were first addressed to the asking device in the same
   * unbroken chain; `CHAIN_RESET` if its user was reset and not accepted; `HISTORY_UNAVAILABLE`.
   */
  async answer(text: string): Promise<{ readonly to: DeviceName; readonly envelope: string }> {
    const { application, backend, me, now, people, settings } = this.#context
    const { claimed, verify } = decodeRepairRequest(text)
    if (claimed.application !== application) throw denied('the request is for another application')
    if (claimed.to.username !== me.username || claimed.to.device !== me.device) {
      throw denied('the request is for another device')
    }
    if (claimed.issued > now() + settings.skewSeconds || claimed.issued < now() - MAX_REQUEST_AGE_SECONDS) {
      throw new KeyhavenError('CLOCK_SKEW', 'the request is too old or from the future')
    }
    const asking = await people.freshFor(claimed.from.username)
    if (asking.trust === 'reset') {
      throw new KeyhavenError('CHAIN_RESET', 'the asking user was reset: compare safety numbers first')
    }
    const device = asking.devices.get(claimed.from.device)
    if (!device || device.entry !== claimed.from.entry) throw denied('the asking device is not current')
    const request = await verify(backend, device.signingKey)
    if (this.#answered.has(request.id))
      throw new KeyhavenError('DUPLICATE', 'the request was answered already')
    await this.#requireAddressed(request.session, request.from, asking.user.chain)
    const keys = await this.#keysOf(request.session, request.numbers)
    if (keys.length === 0) {
      throw new KeyhavenError('HISTORY_UNAVAILABLE', 'the keys of these messages are not kept any more')
    }
    this.#answered.add(request.id)
    if (this.#answered.size > MAX_ANSWERED) this.#answered.delete(this.#answered.values().next().value!)
    // What comes next is negotiated anew: the other device may have lost more than these.
    this.#sender.end(request.session)
    const body = encodeMessageKeys({
      session: request.session,
      aead: keys[0]!.aead,
      keys: keys.map(({ pair }) => pair),
    })
    const to = { username: request.from.username, device: request.from.device }
    const { envelope } = await this.#sender.encryptTo(to, { kind: 'message-keys', body })
    return { to, envelope }
  }

  async #requireAddressed(session: string, from: DeviceName, chain: number): Promise<void> {
    const stored = await this.#context.store.get(SENT_PREFIX + session)
    const sent = stored && fromRecord<SentRecord>(stored.value)
    const addressed = sent?.recipients.some(
      (recipient) =>
        recipient.username === from.username && recipient.device === from.device && recipient.chain === chain,
    )
    if (!addressed) throw denied('these messages were not addressed to the asking device')
  }

  async #keysOf(
    session: string,
    numbers: readonly number[],
  ): Promise<{ aead: MessageKeys['aead']; pair: readonly [number, Uint8Array] }[]> {
    const { me, store } = this.#context
    const keys: { aead: MessageKeys['aead']; pair: readonly [number, Uint8Array] }[] = []
    for (const n of new Set(numbers)) {
      const stored = await store.get(archiveName(session, n))
      const kept = stored ? decodeArchivedKey(stored.value) : this.#sender.recentKey(session, n)
      if (kept?.from.device !== me.device || kept.from.username !== me.username) continue
      keys.push({ aead: kept.aead, pair: [n, kept.messageKey] })
    }
    return keys
  }
}

function denied(message: string): KeyhavenError {
  return new KeyhavenError('ACCESS_DENIED', message)
}
