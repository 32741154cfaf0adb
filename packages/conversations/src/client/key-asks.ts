import type { ClientContext } from './client-context.ts'

const MS_PER_SECOND = 1_000
/** A key that nobody has shared yet is asked for again after this time. */
const ASK_AGAIN_SECONDS = 600

/** Asks the members' other devices for sealed keys, by way of the server. */
export class KeyAsks {
  readonly #context: Pick<ClientContext, 'api' | 'clock'>
  readonly #askedAt = new Map<string, number>()

  constructor(context: Pick<ClientContext, 'api' | 'clock'>) {
    this.#context = context
  }

  /** Unless it was asked for lately. Throws as the api. */
  async ask(id: string): Promise<void> {
    const now = this.#context.clock()
    const askedAt = this.#askedAt.get(id)
    if (askedAt !== undefined && now - askedAt < ASK_AGAIN_SECONDS * MS_PER_SECOND) return
    await this.#context.api.call('POST', `/v1/keys/${id}/requests`)
    this.#askedAt.set(id, now)
  }

  /** At once, beside another failure that is told: whether it can be asked for is not the question. */
  async tryAnew(id: string): Promise<void> {
    this.#askedAt.delete(id)
    await this.ask(id).catch(() => undefined)
  }
}
