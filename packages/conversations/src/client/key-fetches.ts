import { MAX_KEYS_PER_CALL } from '../key/limits.ts'
import { readKeysAnswer } from './answers.ts'
import type { ConversationApi } from './client-options.ts'
import { invalidRecord } from './conversation-error.ts'

/**
 * Messages of one page look into the store first, each by itself: so long the first one waits for the others.
 */
const GATHER_MS = 5

interface Waiting {
  readonly id: string
  readonly resolve: (object: unknown) => void
  readonly reject: (error: unknown) => void
}

/** Asks for keys: one alone by `GET /v1/keys/{id}`, those of the same moment by one `POST /v1/keys`. */
export class KeyFetches {
  readonly #api: ConversationApi
  #waiting: Waiting[] = []

  constructor(api: ConversationApi) {
    this.#api = api
  }

  /**
   * @returns the key object as the server gave it: nothing of it is looked at.
   * @throws KeyhavenError what this key was refused with, or the whole call.
   */
  get(id: string): Promise<unknown> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ id, resolve, reject })
      if (this.#waiting.length === 1) setTimeout(() => this.#send(), GATHER_MS)
      if (this.#waiting.length === MAX_KEYS_PER_CALL) this.#send()
    })
  }

  #send(): void {
    const waiting = this.#waiting
    this.#waiting = []
    if (waiting.length === 0) return
    const answered = waiting.length === 1 ? this.#one(waiting[0]!) : this.#many(waiting)
    answered.catch((error) => {
      for (const { reject } of waiting) reject(error)
    })
  }

  async #one({ id, resolve }: Waiting): Promise<void> {
    resolve(await this.#api.json('GET', `/v1/keys/${id}`))
  }

  async #many(waiting: readonly Waiting[]): Promise<void> {
    const ids = waiting.map(({ id }) => id)
    const { keys, refused } = readKeysAnswer(await this.#api.json('POST', '/v1/keys', { ids }))
    for (const { id, resolve, reject } of waiting) {
      const error = refused.get(id)
      const key = keys.get(id)
      if (key !== undefined) resolve(key)
      else reject(error ?? invalidRecord('the server gave other keys than were asked for'))
    }
  }
}
