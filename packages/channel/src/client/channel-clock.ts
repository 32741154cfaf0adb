/** The two clocks of a runtime, both in milliseconds. */
export interface ClockSources {
  /** Since the epoch; a person can set it, and sleep advances it. */
  readonly clock: () => number
  /** From any start; nobody can set it, but in some runtimes sleep does not advance it. */
  readonly monotonic: () => number
}

/** A moment, remembered on both clocks. */
export interface ClockMark {
  readonly clock: number
  readonly monotonic: number
}

/**
 * The device's clock, and the correction that a sealed answer taught.
 *
 * The correction serves only to date requests. Whether a manifest has expired is asked of {@link latest}, so
 * no answer, not even a sealed one, makes a manifest live longer than the device's own clock allows.
 */
export class ChannelClock {
  readonly #sources: ClockSources
  #offset = 0

  constructor(sources: ClockSources) {
    this.#sources = sources
  }

  /** Milliseconds to add to the device's clock. */
  get offset(): number {
    return this.#offset
  }

  /** Corrected time, for dating requests; milliseconds since the epoch. */
  now(): number {
    return this.#sources.clock() + this.#offset
  }

  /** The later of the device's and the corrected time, for expiry. */
  latest(): number {
    return this.#sources.clock() + Math.max(0, this.#offset)
  }

  mark(): ClockMark {
    return { clock: this.#sources.clock(), monotonic: this.#sources.monotonic() }
  }

  /** Milliseconds since `mark`, and never too few: the larger of what the two clocks say. */
  elapsed(mark: ClockMark): number {
    const byClock = this.#sources.clock() - mark.clock
    const byMonotonic = this.#sources.monotonic() - mark.monotonic
    return Math.max(0, byClock, byMonotonic)
  }

  /** @param serverNow - milliseconds since the epoch, from a sealed answer and from nowhere else. */
  correct(serverNow: number): void {
    this.#offset = serverNow - this.#sources.clock()
  }
}
