import { KeyhavenError } from '@keyhaven/crypto'

/** Of a reader that does not keep up. */
const MAX_WAITING_EVENTS = 10_000

/** Hands events to whoever listens, and to loops. */
export class EventQueue<T> {
  readonly #listeners = new Set<(event: T) => void>()
  readonly #ends = new Set<() => void>()
  readonly #onError: (error: unknown) => void

  constructor(onError: (error: unknown) => void) {
    this.#onError = onError
  }

  emit(event: T): void {
    for (const listener of [...this.#listeners]) {
      try {
        listener(event)
      } catch (error) {
        this.#onError(error)
      }
    }
  }

  /** @returns stops it. */
  listen(listener: (event: T) => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /**
   * What comes from this call on, until `signal` is aborted or the adapter is closed.
   *
   * @throws KeyhavenError `RATE_LIMITED` when 10,000 events wait for the loop.
   */
  events(signal?: AbortSignal): AsyncIterableIterator<T> {
    const waiting: T[] = []
    let wake = (): void => {}
    let ended = false
    const end = (): void => {
      ended = true
      stop()
      this.#ends.delete(end)
      signal?.removeEventListener('abort', end)
      wake()
    }
    const stop = this.listen((event) => {
      waiting.push(event)
      if (waiting.length >= MAX_WAITING_EVENTS) end()
      wake()
    })
    this.#ends.add(end)
    signal?.addEventListener('abort', end)
    if (signal?.aborted) end()
    async function* loop(): AsyncGenerator<T, void> {
      try {
        for (;;) {
          if (waiting.length >= MAX_WAITING_EVENTS)
            throw new KeyhavenError('RATE_LIMITED', 'too many unread events')
          const next = waiting.shift()
          if (next !== undefined) yield next
          else if (ended) return
          else
            await new Promise<void>((resolve) => {
              wake = resolve
            })
        }
      } finally {
        end()
      }
    }
    return loop()
  }

  close(): void {
    for (const end of [...this.#ends]) end()
    this.#listeners.clear()
  }
}
