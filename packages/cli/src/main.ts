import { type Context, processContext } from './context.ts'
import { EXIT_OK } from './exit-code.ts'
import type { Frame } from './frame.ts'
import { createProgram } from './program.ts'
import { reportFailure, wantsJson } from './report-failure.ts'

/**
 * Runs one command line.
 *
 * @param argv - the arguments after the program's name.
 * @returns the exit code; errors are already written to stderr.
 */
export async function run(argv: readonly string[], context: Context): Promise<number> {
  const frame: Frame = { context, json: wantsJson(argv), exitCode: EXIT_OK }
  const program = createProgram(frame)
  try {
    await program.parseAsync(joinThumbprints(argv), { from: 'user' })
    return frame.exitCode
  } catch (error) {
    return reportFailure(frame, program, argv, error)
  }
}

/** Options whose value is a thumbprint: one in 64 begins with a dash, and `-V…` would ask for the version. */
const THUMBPRINT_OPTIONS = ['--trust', '--root']
const DASHED_THUMBPRINT = /^-[A-Za-z0-9_-]{42}$/

function joinThumbprints(argv: readonly string[]): string[] {
  const joined: string[] = []
  for (const argument of argv) {
    const option = joined.at(-1)
    if (option !== undefined && THUMBPRINT_OPTIONS.includes(option) && DASHED_THUMBPRINT.test(argument)) {
      joined[joined.length - 1] = `${option}=${argument}`
    } else joined.push(argument)
  }
  return joined
}

/** The entry of bin/keyhaven.mjs. */
export async function main(): Promise<void> {
  // `keyhaven … | head` closes our stdout early: that is no failure.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit(EXIT_OK)
    throw error
  })
  process.exitCode = await run(process.argv.slice(2), processContext())
}
