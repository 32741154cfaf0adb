/** Runs the tasks of a lane one after the other; lanes do not wait for each other. */
export class InOrder {
  readonly #ends = new Map<string, Promise<unknown>>()

  run<T>(lane: string, task: () => Promise<T>): Promise<T> {
    const result = (this.#ends.get(lane) ?? Promise.resolve()).then(task)
    const end = result
      .catch(() => {})
      .finally(() => {
        if (this.#ends.get(lane) === end) this.#ends.delete(lane)
      })
    this.#ends.set(lane, end)
    return result
  }

  /** Resolves when all has run that waits now. */
  async idle(): Promise<void> {
    await Promise.all(this.#ends.values())
  }
}
