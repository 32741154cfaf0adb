import { KeyhavenError } from '@keyhaven/crypto'
import { encodeEvent, MAX_EVENT_BYTES } from '../../events/event-model.ts'
import type { EventPublisher } from './event-publisher.ts'
import type { EventStore } from './ports.ts'

const RESUMED_AT_ONCE = 10_000

export function createEventPublisher<Tx extends { readonly now: number }>(
  store: EventStore<Tx>,
  randomUuid: () => string,
): EventPublisher<Tx> {
  return {
    async publish(transaction, { partnerId, topic, publisher, event }) {
      const { now } = transaction
      const sequence = await store.nextSequence(transaction)
      const model = {
        ...{ publisher, topic: `${partnerId}/${topic}`, publishedOn: new Date(now).toISOString() },
        event: typeof event === 'function' ? event(sequence) : event,
      }
      const body = encodeEvent(model)
      if (body.length > MAX_EVENT_BYTES) throw new KeyhavenError('WIRE_TOO_LARGE', 'the event is too long')
      const id = randomUuid()
      const wanted = await store.hasWebhook(transaction, partnerId)
      await store.put(transaction, {
        ...{
          id,
          sequence,
          partnerId,
          topic,
          body: JSON.stringify(model),
          state: wanted ? 'waiting' : 'kept',
        },
        ...{ attempts: 0, failure: '', createdAt: now, changedAt: now },
      })
      if (wanted) await store.wake(transaction, partnerId)
      return id
    },

    async resume(transaction, partnerId) {
      const kept = await store.ofPartner(partnerId, 'kept', RESUMED_AT_ONCE, transaction)
      for (const event of kept) {
        await store.put(transaction, { ...event, state: 'waiting', changedAt: transaction.now })
      }
      // A webhook that was mended is tried with what it failed at, too.
      await store.hurry(transaction, partnerId)
    },
  }
}
