import type { ErrorCode } from '@keyhaven/crypto'
import { type Command, CommanderError } from 'commander'
import { ADVICE } from './advice.ts'
import { CommandError } from './command-error.ts'
import { EXIT_FAILED, EXIT_OK, EXIT_USAGE, exitCodeOf, type FailureCode } from './exit-code.ts'
import type { Frame } from './frame.ts'
import { identityAdvice } from './identity/identity-advice.ts'
import { paint, printable } from './terminal/output.ts'

/** An error as a person or a program reads it. */
interface Failure {
  readonly code: FailureCode
  readonly message: string
  readonly advice: string
  readonly exitCode: number
}

/** Commander's codes for help and version that were asked for. */
const NOT_FAILURES = new Set(['commander.helpDisplayed', 'commander.version'])
/** Commander's code for the help that it shows when a command is missing. */
const COMMAND_MISSING = 'commander.help'

/** Writes an error to stderr, as JSON when `--json` was given. @returns the exit code. */
export function reportFailure(
  frame: Frame,
  program: Command,
  argv: readonly string[],
  error: unknown,
): number {
  const { context, json } = frame
  if (error instanceof CommanderError && NOT_FAILURES.has(error.code)) return EXIT_OK
  const failure = describeFailure(program, argv, error)
  if (json) {
    context.stderr.write(`${JSON.stringify({ error: failure })}\n`)
    return failure.exitCode
  }
  // The help that was written instead says it all.
  if (error instanceof CommanderError && error.code === COMMAND_MISSING) return failure.exitCode
  const lines = failure.message.split('\n').map(printable)
  context.stderr.write(`${paint(context, context.stderr, 'red', 'error:')} ${lines.join('\n  ')}\n`)
  context.stderr.write(
    `${paint(context, context.stderr, 'bold', 'what to do:')} ${printable(failure.advice)}\n`,
  )
  if (failure.code === 'INTERNAL' && context.env.KEYHAVEN_DEBUG && error instanceof Error) {
    context.stderr.write(`${error.stack}\n`)
  }
  return failure.exitCode
}

/** Whether the arguments, which may not parse, ask for JSON. */
export function wantsJson(argv: readonly string[]): boolean {
  const end = argv.indexOf('--')
  return argv.slice(0, end === -1 ? argv.length : end).includes('--json')
}

function describeFailure(program: Command, argv: readonly string[], error: unknown): Failure {
  if (error instanceof CommanderError) {
    const message =
      error.code === COMMAND_MISSING ? 'a command is missing' : error.message.replace(/^error: /, '')
    return { code: 'INPUT_INVALID', message, advice: helpAdvice(program, argv), exitCode: EXIT_USAGE }
  }
  if (error instanceof CommandError) {
    const { code, message, exitCode } = error
    // Advice that is there for the code alone gives way to what the group of commands knows.
    const general = code in ADVICE && error.advice === ADVICE[code as ErrorCode]
    const advice = general ? adviceOf(program, argv, code as ErrorCode, message) : error.advice
    return { code, message, advice, exitCode }
  }
  if (isCoded(error)) {
    const { code, message } = error
    return { code, message, advice: adviceOf(program, argv, code, message), exitCode: exitCodeOf(code) }
  }
  const systemError = describeSystemError(error)
  if (systemError !== undefined) return systemError
  return {
    code: 'INTERNAL',
    message: error instanceof Error ? error.message : String(error),
    advice:
      'This is a fault in keyhaven. Set KEYHAVEN_DEBUG=1 to see where, and report it with the command ' +
      'you ran.',
    exitCode: EXIT_FAILED,
  }
}

/** A KeyhavenError, recognised by its name so that the crypto package need not be loaded. */
function isCoded(error: unknown): error is Error & { code: ErrorCode } {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' && error.code in ADVICE
}

const SYSTEM_ADVICE: Readonly<Record<string, string>> = {
  EACCES: 'Run it as a user who may read and write there, or change the permissions.',
  EPERM: 'Run it as a user who may read and write there, or change the permissions.',
  EADDRINUSE: 'Choose another port, or stop what uses this one.',
  EEXIST: 'Choose another file name; files with keys are never overwritten.',
  EISDIR: 'Give the name of a file, not of a folder.',
  ENOENT: 'Check the file name.',
  ENOTDIR: 'Check the file name.',
  ENOSPC: 'Make room on the disk.',
  EROFS: 'Choose a folder on a disk that can be written.',
}

function describeSystemError(error: unknown): Failure | undefined {
  if (!(error instanceof Error) || !('code' in error) || typeof error.code !== 'string') return undefined
  const advice = SYSTEM_ADVICE[error.code]
  if (advice === undefined) return undefined
  const code =
    error.code === 'ENOENT' ? 'NOT_FOUND' : error.code === 'EEXIST' ? 'CONFLICT' : 'STORE_UNAVAILABLE'
  return { code, message: error.message, advice, exitCode: exitCodeOf(code) }
}

function adviceOf(program: Command, argv: readonly string[], code: ErrorCode, message: string): string {
  return identityAdvice(commandPath(program, argv), code, message) ?? ADVICE[code]
}

/** Names the help of the command that was meant. */
function helpAdvice(program: Command, argv: readonly string[]): string {
  const command = [program.name(), ...commandPath(program, argv)].join(' ')
  return `Run \`${command} --help\` to see what is allowed.`
}

/** The command that was meant, as far as it can be told, without the program: `['keys', 'add']`. */
function commandPath(program: Command, argv: readonly string[]): string[] {
  let command = program
  const path: string[] = []
  for (const word of argv) {
    const next = command.commands.find((candidate) => candidate.name() === word)
    if (next === undefined) continue
    command = next
    path.push(word)
  }
  return path
}
