import type { Command } from 'commander'
import type { Context } from '../src/context.ts'
import type { Frame } from '../src/frame.ts'
import { createProgram } from '../src/program.ts'
import { runCommand } from './run-command.ts'

/** Width at which the documented help is wrapped. */
const COLUMNS = 100

/** The command tree with actions that only note that they were reached. */
export function parsingProgram(reached: (command: Command) => void): Command {
  const silent = { write: () => true, columns: COLUMNS }
  const context = { env: {}, stdout: silent, stderr: silent } as unknown as Context
  const frame: Frame = { context, json: false, exitCode: 0, intercept: reached }
  return createProgram(frame)
}

/** Every command that does something, with its path such as `keys add`. */
export function leafCommands(command: Command = parsingProgram(() => {}), path = ''): [string, Command][] {
  return command.commands.flatMap((sub) => {
    const subPath = `${path} ${sub.name()}`.trim()
    return sub.commands.length === 0 ? [[subPath, sub] as [string, Command]] : leafCommands(sub, subPath)
  })
}

/** Its help, as `--help` prints it. */
export async function helpOf(path: string): Promise<string> {
  return (await runCommand([...path.split(' ').filter(Boolean), '--help'])).stdout
}
