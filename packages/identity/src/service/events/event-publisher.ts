import type { IdentityEvent } from '../../events/event-model.ts'

/** Events that nobody fetched or replayed are erased after it. */
export const EVENT_KEPT_DAYS = 30

export interface EventToPublish {
  readonly partnerId: string
  /** Behind `PARTNER/`: `CREDENTIAL_ISSUED`, `PARTNER_UPDATED` … */
  readonly topic: string
  /** `CREDENTIAL_SERVICE`, `PARTNER_MANAGEMENT` … */
  readonly publisher: string
  /** With a function: it gets the number of this event, which rises with every event of the application. */
  readonly event: IdentityEvent | ((sequence: number) => IdentityEvent)
}

/** Events to partners, as signed webhooks: at least once, in order for each partner. */
export interface EventPublisher<Tx = unknown> {
  /**
   * In the transaction of what caused it: the event is delivered if and only if that is committed. Without a
   * webhook of the partner it is kept until there is one, for {@link EVENT_KEPT_DAYS}.
   *
   * @returns the event's id in the outbox.
   */
  publish(transaction: Tx, event: EventToPublish): Promise<string>
  /** Sends what was kept: the partner has a webhook now. */
  resume(transaction: Tx, partnerId: string): Promise<void>
}
