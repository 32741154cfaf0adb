import { EXIT_INTERRUPTED, EXIT_USAGE, exitCodeOf, type FailureCode } from './exit-code.ts'

/**
 * An error that a person reads: what went wrong, and what to do about it.
 * It does not extend `KeyhavenError`, because loading the crypto package would slow down every start.
 */
export class CommandError extends Error {
  readonly code: FailureCode
  /** What to do, as one sentence or more. */
  readonly advice: string
  readonly exitCode: number

  constructor(code: FailureCode, message: string, advice: string, exitCode = exitCodeOf(code)) {
    super(message)
    this.name = 'CommandError'
    this.code = code
    this.advice = advice
    this.exitCode = exitCode
  }
}

/** A wrong argument or option. */
export function usageError(message: string, advice: string): CommandError {
  return new CommandError('INPUT_INVALID', message, advice, EXIT_USAGE)
}

/** Ctrl-C. */
export function interrupted(): CommandError {
  return new CommandError('INTERRUPTED', 'interrupted', 'Run the command again.', EXIT_INTERRUPTED)
}
