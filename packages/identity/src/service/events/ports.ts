import type { Records } from '../partners/ports.ts'
import type { OutboxEvent } from './event-records.ts'

/** The outbox of one application. */
export interface EventStore<Tx> {
  readonly events: Records<OutboxEvent>
  /** The newest first. @param page.before - only numbers below it. */
  newest(
    equal: Partial<Pick<OutboxEvent, 'state' | 'partnerId'>>,
    page: { readonly before?: number | undefined; readonly limit: number },
  ): Promise<OutboxEvent[]>
  /** The next number; whoever asks after it waits until this transaction ends. */
  nextSequence(transaction: Tx): Promise<number>
  put(transaction: Tx, event: OutboxEvent): Promise<void>
  /** Whether the partner has a webhook, as the transaction sees it. */
  hasWebhook(transaction: Tx, partnerId: string): Promise<boolean>
  /** The partner's events in this state, by number. */
  ofPartner(
    partnerId: string,
    state: OutboxEvent['state'],
    limit: number,
    transaction?: Tx,
  ): Promise<OutboxEvent[]>
  transaction<T>(work: (transaction: Tx, now: number) => Promise<T>): Promise<T>
  /** Makes the deliverer look at a partner's events, when the transaction is committed. */
  wake(transaction: Tx, partnerId: string): Promise<void>
  /** The same, and what waits after a failure is tried at once. */
  hurry(transaction: Tx, partnerId: string): Promise<void>
  /** Erases what was delivered, is dead or is kept since before then. @returns how many. */
  prune(transaction: Tx, before: number): Promise<number>
  audit(
    transaction: Tx,
    entry: {
      readonly actor: string
      readonly action: string
      readonly subject: string
      readonly detail?: object
    },
  ): void
}

export interface WebhookAnswer {
  readonly status: number
}

/** Posts to an address of a partner: https only and no private network unless configured, no redirects. */
export interface WebhookSender {
  /**
   * @throws KeyhavenError `UPSTREAM_REFUSED` for an address that is not allowed, also once it is resolved;
   *   `UPSTREAM_FAILED` if nobody answers in time.
   */
  post(url: string, headers: Readonly<Record<string, string>>, body: Uint8Array): Promise<WebhookAnswer>
}
