import { type Jwk, KeyhavenError } from '@keyhaven/crypto'

/** 9999-12-31T23:59:59Z: what a date can still be written for. */
const MAX_TIME_SECONDS = 253_402_300_799

/** Reads the members of a JSON object one by one; {@link end} refuses what nobody asked for. */
export class PayloadFields {
  readonly #value: Readonly<Record<string, unknown>>
  readonly #taken = new Set<string>()

  /**
   * @throws KeyhavenError `RECORD_INVALID` if it is no object; so do all methods, of a member that does not
   * fit.
   */
  constructor(value: unknown) {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) throw invalid('payload')
    this.#value = value as Record<string, unknown>
  }

  has(name: string): boolean {
    return Object.hasOwn(this.#value, name)
  }

  text(name: string, fits: (text: string) => boolean): string {
    const value = this.#take(name)
    if (typeof value !== 'string' || !fits(value)) throw invalid(name)
    return value
  }

  literal<T extends string | number>(name: string, expected: T): T {
    if (this.#take(name) !== expected) throw invalid(name)
    return expected
  }

  /** Whole seconds since the epoch. */
  time(name: string): number {
    return this.integer(name, MAX_TIME_SECONDS)
  }

  integer(name: string, maximum: number): number {
    const value = this.#take(name)
    if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < 0 || value > maximum)
      throw invalid(name)
    return value
  }

  /** A flat JWK of text members; whether it is the right key is for the caller to see. */
  jwk(name: string): Jwk {
    const value = this.#take(name)
    if (typeof value !== 'object' || value === null || Array.isArray(value)) throw invalid(name)
    if (Object.values(value).some((member) => typeof member !== 'string')) throw invalid(name)
    return value as Jwk
  }

  nullable<T>(name: string, read: () => T): T | null {
    if (this.#value[name] !== null) return read()
    this.#take(name)
    return null
  }

  /** @throws KeyhavenError `RECORD_INVALID` on a member that was not read. */
  end(): void {
    for (const name of Object.keys(this.#value)) {
      if (!this.#taken.has(name)) throw invalid('a member that is not known')
    }
  }

  #take(name: string): unknown {
    if (!this.has(name)) throw invalid(name)
    this.#taken.add(name)
    return this.#value[name]
  }
}

function invalid(what: string): KeyhavenError {
  return new KeyhavenError('RECORD_INVALID', `${what}: missing or not as it must be`)
}
