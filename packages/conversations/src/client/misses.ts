import { ConversationError, hasCode } from './conversation-error.ts'

/** Keys, devices or heads that are nowhere, which one sender may name in a minute. */
export const MAX_MISSES = 20
const WINDOW_MS = 60_000
const MAX_SENDERS = 1_000

/**
 * Anybody can send a message that names a key. Each unknown one is a call, of which a device has so many:
 * strangers shall not use them up.
 */
export class Misses {
  readonly #clock: () => number
  readonly #bySender = new Map<string, { readonly since: number; count: number }>()

  constructor(clock: () => number) {
    this.#clock = clock
  }

  /**
   * @param from - whom the transport names; those whom it does not name count as one.
   * @throws KeyhavenError `NOT_FOUND` without a call for a sender who has named too many; what `ask` throws.
   */
  async watch<T>(from: string | undefined, ask: () => Promise<T>): Promise<T> {
    const name = from ?? ''
    if ((this.#recent(name)?.count ?? 0) >= MAX_MISSES) {
      throw new ConversationError('NOT_FOUND', 'the sender names keys that are nowhere')
    }
    try {
      return await ask()
    } catch (error) {
      if (hasCode(error, 'NOT_FOUND')) this.count(name)
      throw error
    }
  }

  #recent(name: string) {
    const misses = this.#bySender.get(name)
    const age = misses && this.#clock() - misses.since
    return age !== undefined && age >= 0 && age < WINDOW_MS ? misses : undefined
  }

  /** @throws KeyhavenError `RATE_LIMITED` for a sender who has named too many. */
  requireFew(name: string): void {
    if ((this.#recent(name)?.count ?? 0) < MAX_MISSES) return
    throw new ConversationError(
      'RATE_LIMITED',
      'the sender names devices or entries that are nowhere: open the message again in a minute',
    )
  }

  count(name: string): void {
    const recent = this.#recent(name)
    if (recent) {
      recent.count++
      return
    }
    this.#bySender.delete(name)
    this.#bySender.set(name, { since: this.#clock(), count: 1 })
    if (this.#bySender.size > MAX_SENDERS) this.#bySender.delete(this.#bySender.keys().next().value!)
  }
}
