import type { Command } from 'commander'
import type { Context } from './context.ts'
import { EXIT_OK } from './exit-code.ts'
import { createOutput, type Output } from './terminal/output.ts'

/** One call of one command. */
export interface Invocation<Options> {
  readonly context: Context
  readonly output: Output
  readonly options: Options
  /** The positional arguments, in order; an optional one that is missing is undefined. */
  readonly args: readonly string[]
}

export type Handler<Options> = (invocation: Invocation<Options>) => Promise<number | undefined>

/** What the commands are hung into. It also remembers the exit code of the command that ran. */
export interface Frame {
  readonly context: Context
  /** `--json` was given, somewhere. */
  readonly json: boolean
  exitCode: number
  /** Called instead of running the handler; tests use it to parse only. */
  readonly intercept?: (command: Command) => void
}

/** Makes a commander action of a handler. */
export function action<Options>(
  frame: Frame,
  handler: Handler<Options>,
): (...received: unknown[]) => Promise<void> {
  return async (...received) => {
    const command = received.at(-1) as Command
    if (frame.intercept !== undefined) {
      frame.intercept(command)
      return
    }
    const invocation = {
      context: frame.context,
      output: createOutput(frame.context, frame.json),
      options: command.opts() as Options,
      args: command.processedArgs as string[],
    }
    frame.exitCode = (await handler(invocation)) ?? EXIT_OK
  }
}

/** What a command is for, with examples at the end of its help: the command line, and what it does. */
export function describe(
  command: Command,
  description: string,
  examples: ReadonlyArray<readonly [string, string]> = [],
): Command {
  command.description(description)
  if (examples.length === 0) return command
  const text = examples.map(([line, meaning]) => `  # ${meaning}\n  $ ${line}`).join('\n')
  return command.addHelpText('after', `\nExamples:\n${text}`)
}
