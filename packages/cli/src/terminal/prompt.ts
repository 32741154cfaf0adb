import { createInterface } from 'node:readline'
import { CommandError, interrupted } from '../command-error.ts'
import type { Context } from '../context.ts'
import { EXIT_USAGE } from '../exit-code.ts'
import type { Invocation } from '../frame.ts'

const BACKSPACES = new Set(['\u007f', '\b'])
const END_OF_TRANSMISSION = '\u0004'
const INTERRUPT = '\u0003'

/**
 * Asks for a word that must be typed exactly before something that cannot be taken back.
 *
 * @throws CommandError when another word is typed, or nobody can be asked.
 */
export async function confirmTyped(
  {
    context,
    output,
    options,
  }: Pick<Invocation<{ readonly yes?: boolean }>, 'context' | 'output' | 'options'>,
  question: string,
  expected: string,
): Promise<void> {
  if (options.yes === true) return
  if (output.json) throw notConfirmed('with --json nobody is asked')
  context.stderr.write(`${question} Type ${expected} to go on: `)
  const answer = await readLine(context)
  if (answer === undefined) {
    context.stderr.write('\n')
    throw notConfirmed('there was no answer to the question')
  }
  if (answer.trim() !== expected) {
    throw new CommandError(
      'INPUT_INVALID',
      'not confirmed, so nothing was changed',
      `Type exactly ${expected}, or give --yes.`,
      EXIT_USAGE,
    )
  }
}

function notConfirmed(reason: string): CommandError {
  return new CommandError(
    'INPUT_INVALID',
    `not confirmed: ${reason}; nothing was changed`,
    'Give --yes to go on without a question.',
    EXIT_USAGE,
  )
}

/** @returns one line of stdin, undefined at its end. */
async function readLine(context: Context): Promise<string | undefined> {
  const lines = createInterface({ input: context.stdin, terminal: false })
  try {
    for await (const line of lines) return line
    return undefined
  } finally {
    lines.close()
    context.stdin.pause()
  }
}

/** Asks for a secret without showing it. Only on a terminal. */
export async function readSecret(context: Context, question: string, instead: string): Promise<string> {
  const { stdin } = context
  if (stdin.isTTY !== true || stdin.setRawMode === undefined) {
    throw new CommandError(
      'INPUT_INVALID',
      'a passphrase is needed and there is no terminal to ask at',
      instead,
    )
  }
  context.stderr.write(question)
  stdin.setRawMode(true)
  stdin.setEncoding('utf8')
  let secret = ''
  try {
    for await (const chunk of stdin.iterator({ destroyOnReturn: false })) {
      for (const character of chunk as string) {
        if (character === '\r' || character === '\n' || character === END_OF_TRANSMISSION) return secret
        if (character === INTERRUPT) {
          throw interrupted()
        }
        secret = BACKSPACES.has(character) ? secret.slice(0, -1) : secret + character
      }
    }
    return secret
  } finally {
    stdin.setRawMode(false)
    stdin.pause()
    context.stderr.write('\n')
  }
}
