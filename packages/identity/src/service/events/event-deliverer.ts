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

/** Deliveries that are tried before an event is dead: with doubling waits about a day. */
export const DELIVERY_ATTEMPTS = 12
const STATUS_OK = 200
const STATUS_REDIRECT = 300

export interface EventDeliverer<Tx> {
  /**
   * Posts a partner's events in order until none is left.
   *
   * @param hold - called in the transaction that ends an event, so that two processes never both go on.
   * @throws KeyhavenError `UPSTREAM_FAILED` if one could not be delivered: again later, from that one on.
   */
  deliver(partnerId: string, hold: (transaction: Tx) => Promise<void>): Promise<void>
  /**
   * Makes dead events wait again, and delivered ones; in their old order.
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
      throw new KeyhavenError('UPSTREAM_FAILED', `the webhook answered ${status}`)
    }
  }

  const end = (event: OutboxEvent, change: Partial<OutboxEvent>, hold?: (transaction: Tx) => Promise<void>) =>
    store.transaction(async (transaction, now) => {
      await hold?.(transaction)
      await store.put(transaction, { ...event, ...change, changedAt: now })
      if (change.state === 'dead') {
        const detail = { partner: event.partnerId, topic: event.topic, attempts: change.attempts ?? 0 }
        store.audit(transaction, { actor: 'system', action: 'event.dead', subject: event.id, detail })
      }
    })

  return {
    async deliver(partnerId, hold) {
      for (;;) {
        const [event] = await store.ofPartner(partnerId, 'waiting', 1)
        if (event === undefined) return
        const partner = await parts.partner(partnerId)
        if (partner === undefined || partner.webhookUrl === '') {
          await end(event, { state: 'kept' }, hold)
          continue
        }
        const attempts = event.attempts + 1
        try {
          if (partner.state !== 'active') {
            throw new KeyhavenError('POLICY_REFUSED', 'the partner is not active')
          }
          await post(partner, utf8(event.body))
        } catch (error) {
          if (!(error instanceof KeyhavenError)) throw error
          const dead = attempts >= DELIVERY_ATTEMPTS
          const change = { attempts, failure: `${error.code}: ${error.message}` }
          await end(event, { ...change, state: dead ? 'dead' : 'waiting' }, dead ? hold : undefined)
          if (dead) continue
          throw error
        }
        await end(event, { state: 'delivered', attempts, failure: '' }, hold)
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
        await store.wake(transaction, event.partnerId)
        return again
      })
    },
  }
}
