/** One event in the outbox. Times: milliseconds since the epoch. */
export interface OutboxEvent {
  /** UUID. */
  readonly id: string
  /** Rises with every event of the application; a partner's are delivered in this order. */
  readonly sequence: number
  readonly partnerId: string
  /** Without the partner in front. */
  readonly topic: string
  /** JSON of the whole model, exactly as it is signed and sent; empty once it is erased. */
  readonly body: string
  /** `kept`: the partner has no webhook. `dead`: it was tried too often. */
  readonly state: 'kept' | 'waiting' | 'delivered' | 'dead'
  readonly attempts: number
  /** Why the last attempt failed; empty if none did. */
  readonly failure: string
  readonly createdAt: number
  readonly changedAt: number
}
