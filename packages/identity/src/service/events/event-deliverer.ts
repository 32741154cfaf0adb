import { type CryptoBackend, KeyhavenError, overwrite, utf8 } from '@keyhaven/crypto'
import {
  EVENT_SIGNATURE_HEADER,
  HUB_SIGNATURE_HEADER,
  hubSignature,
  signEvent,
} from '../../events/event-model.ts'
import type { JwsSigner } from '../../mosip/jws.ts'
import type { Partner } from '../partners/partner-records.ts'
import type { OutboxEvent } from './event-records.ts'
import type { EventStore, WebhookSender } from './ports.ts'

/** Refusals of an event before it is dead: with doubling waits over half an hour. */
export const DELIVERY_ATTEMPTS = 12
/** How long a partner is waited for that does not answer, or says that it cannot now. */
export const DELIVERY_WAIT_DAYS = 7
/** Milliseconds between two attempts at most: who is back hears soon after. */
export const DELIVERY_MAX_WAIT_MS = 15 * 60_000
const MS_PER_DAY = 86_400_000
const STATUS_OK = 200
const STATUS_REDIRECT = 300
/** Too many requests, bad gateway, unavailable, gateway timeout: not about the event that was sent. */
const NOT_NOW: readonly number[] = [429, 502, 503, 504]
/** Nobody answers; or a share is made again, and the oblivious PRF evaluates no more for it today. */
export const WAITED_FOR: readonly string[] = ['UPSTREAM_FAILED', 'RATE_LIMITED']
/** Whom an event was about may not be told of any more. */
const NOBODY_TO_TELL: readonly string[] = ['NOT_FOUND', 'ACCESS_DENIED']

export interface EventDeliverer<Tx> {
  /**
   * Posts a partner's events in order until none is left.
   *
   * @param hold - called in the transaction that ends an event, so that two processes never both go on.
   * @throws KeyhavenError `UPSTREAM_FAILED` if one could not be delivered: again later, from that one on.
   */
  deliver(partnerId: string, hold: (transaction: Tx) => Promise<void>): Promise<void>
  /**
   * Makes dead events wait again, and delivered ones; in their old order. What waits for its next try has it now.
   *
   * @throws KeyhavenError `NOT_FOUND`
   */
  replay(id: string, actor: string): Promise<OutboxEvent>
}

export interface EventDelivererParts<Tx> {
  readonly backend: CryptoBackend
  readonly store: EventStore<Tx>
  readonly sender: WebhookSender
  readonly signer: () => Promise<JwsSigner>
  readonly partner: (id: string) => Promise<Partner | undefined>
  /** Opens a partner's webhook secret; the caller overwrites it. */
  readonly openSecret: (partner: Partner, wrapped: Uint8Array) => Promise<Uint8Array>
  /**
   * Before each attempt: the event as it is to be sent, if what it names has ended meanwhile.
   *
   * @throws KeyhavenError `NOT_FOUND`, `ACCESS_DENIED`: there is nobody to tell of; the event is dead.
   */
  readonly renew?: (event: OutboxEvent) => Promise<OutboxEvent>
}

export function createEventDeliverer<Tx>(parts: EventDelivererParts<Tx>): EventDeliverer<Tx> {
  const { backend, store, sender } = parts

  const post = async (partner: Partner, body: Uint8Array): Promise<void> => {
    const headers: Record<string, string> = {
      'content-type': 'application/json',
      [EVENT_SIGNATURE_HEADER]: await signEvent(await parts.signer(), body),
    }
    if (partner.webhookSecret !== null) {
      const secret = await parts.openSecret(partner, partner.webhookSecret)
      headers[HUB_SIGNATURE_HEADER] = await hubSignature(backend, secret, body)
      overwrite(secret)
    }
    const { status } = await sender.post(partner.webhookUrl, headers, body)
    if (status < STATUS_OK || status >= STATUS_REDIRECT) {
      const message = `the webhook answered ${status}`
      throw NOT_NOW.includes(status)
        ? new KeyhavenError('UPSTREAM_FAILED', message)
        : new Refused('UPSTREAM_FAILED', message)
    }
  }

  const end = (event: OutboxEvent, change: Partial<OutboxEvent>, hold: (transaction: Tx) => Promise<void>) =>
    store.transaction(async (transaction, now) => {
      await hold(transaction)
      await store.put(transaction, { ...event, ...change, changedAt: now })
    })

  /** @returns whether the event is dead now: then the next one has its turn. */
  const fail = (event: OutboxEvent, error: KeyhavenError, hold: (transaction: Tx) => Promise<void>) =>
    store.transaction(async (transaction, now) => {
      const attempts = event.attempts + 1
      const waitsUntil =
        WAITED_FOR.includes(error.code) && !(error instanceof Refused) ? DELIVERY_WAIT_DAYS : 0
      const over = attempts >= DELIVERY_ATTEMPTS && now >= event.createdAt + waitsUntil * MS_PER_DAY
      const dead = over || NOBODY_TO_TELL.includes(error.code)
      if (dead) await hold(transaction)
      const change = { attempts, failure: `${error.code}: ${error.message}`, changedAt: now }
      await store.put(transaction, { ...event, ...change, state: dead ? 'dead' : 'waiting' })
      if (dead) {
        const detail = { partner: event.partnerId, topic: event.topic, attempts }
        store.audit(transaction, { actor: 'system', action: 'event.dead', subject: event.id, detail })
      }
      return dead
    })

  return {
    async deliver(partnerId, hold) {
      for (;;) {
        let [event] = await store.ofPartner(partnerId, 'waiting', 1)
        if (event === undefined) return
        const partner = await parts.partner(partnerId)
        if (partner === undefined || partner.webhookUrl === '') {
          await end(event, { state: 'kept' }, hold)
          continue
        }
        try {
          if (partner.state !== 'active') {
            throw new KeyhavenError('POLICY_REFUSED', 'the partner is not active')
          }
          event = (await parts.renew?.(event)) ?? event
          await post(partner, utf8(event.body))
        } catch (error) {
          if (!(error instanceof KeyhavenError)) throw error
          if (await fail(event, error, hold)) continue
          throw error
        }
        await end(event, { state: 'delivered', attempts: event.attempts + 1, failure: '' }, hold)
      }
    },

    async replay(id, actor) {
      const event = await store.events.get(id)
      if (event === undefined) throw new KeyhavenError('NOT_FOUND', `there is no event ${id}`)
      return store.transaction(async (transaction, now) => {
        const again: OutboxEvent = { ...event, state: 'waiting', attempts: 0, failure: '', changedAt: now }
        await store.put(transaction, again)
        store.audit(transaction, {
          actor,
          action: 'event.replay',
          subject: id,
          detail: { partner: event.partnerId },
        })
        await store.hurry(transaction, event.partnerId)
        return again
      })
    },
  }
}

/** An answer about the event itself: the same event again is refused again. */
class Refused extends KeyhavenError {}
