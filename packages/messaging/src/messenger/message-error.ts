import { type ErrorCode, KeyhavenError } from '@keyhaven/crypto'
import type { Repair } from './messenger.ts'

/** A message that could not be decrypted: why (`code`), what a person can do, what a program can do. */
export class MessageError extends KeyhavenError {
  /** For people, in a sentence. */
  readonly advice: string
  readonly #repair: () => Promise<Repair>

  constructor(
    code: ErrorCode,
    message: string,
    options: { advice: string; repair?: () => Promise<Repair>; cause?: unknown },
  ) {
    super(code, message, options.cause === undefined ? {} : { cause: options.cause })
    this.name = 'MessageError'
    this.advice = options.advice
    this.#repair = options.repair ?? (async () => ({ action: 'none', advice: options.advice }))
  }

  /** Carries out what can be done. */
  repair(): Promise<Repair> {
    return this.#repair()
  }
}
