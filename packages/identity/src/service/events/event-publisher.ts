/** The body of an event, as MOSIP's WebSub topics carry it (facts: section 5). */
export interface IdentityEvent {
  /** UUID; a repeated delivery has the same. */
  readonly id: string
  readonly transactionId?: string
  readonly type?: { readonly name: string; readonly namespace: string }
  /** ISO 8601, UTC, milliseconds. */
  readonly timestamp: string
  readonly dataShareUri?: string
  readonly data: Readonly<Record<string, unknown>>
}

export interface EventToPublish {
  readonly partnerId: string
  /** Behind `PARTNER/`: `CREDENTIAL_ISSUED`, `PARTNER_UPDATED` … */
  readonly topic: string
  /** `CREDENTIAL_SERVICE`, `PARTNER_MANAGEMENT` … */
  readonly publisher: string
  readonly event: IdentityEvent
}

/** Events to partners, as signed webhooks: at least once, in order for each partner. */
export interface EventPublisher<Tx = unknown> {
  /**
   * In the transaction of what caused it: the event is delivered if and only if that is committed. Without a webhook of
   * the partner it is kept for {@link EVENT_KEPT_DAYS}, to be replayed.
   *
   * @returns the event's id in the outbox.
   */
  publish(transaction: Tx, event: EventToPublish): Promise<string>
}
