import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PassThrough, Readable } from 'node:stream'
import type { Context } from '../src/context.ts'
import { run } from '../src/main.ts'

export const TEST_NOW = Date.UTC(2026, 10, 21, 8)

export interface CommandResult {
  readonly exitCode: number
  readonly stdout: string
  readonly stderr: string
}

export interface CommandSurroundings {
  readonly env?: Readonly<Record<string, string>>
  readonly stdin?: string
  /** What a person types at a terminal, a line for each secret that is asked for. */
  readonly typed?: readonly string[]
  readonly cwd?: string
  readonly terminal?: boolean
  readonly now?: () => number
  readonly fetch?: typeof fetch
}

/** Runs one command line in this process. */
export async function runCommand(
  argv: readonly string[],
  surroundings: CommandSurroundings = {},
): Promise<CommandResult> {
  const stdout = collect(surroundings.terminal)
  const stderr = collect(surroundings.terminal)
  const context: Context = {
    env: surroundings.env ?? {},
    stdin: surroundings.typed === undefined ? piped(surroundings.stdin) : typist(surroundings.typed),
    stdout: stdout.stream,
    stderr: stderr.stream,
    cwd: surroundings.cwd ?? '/nonexistent',
    now: surroundings.now ?? (() => TEST_NOW),
    fetch: surroundings.fetch ?? fetch,
  }
  const exitCode = await run(argv, context)
  return { exitCode, stdout: stdout.text(), stderr: stderr.text() }
}

/** A folder that is removed at the end of the test. */
export async function temporaryFolder(): Promise<AsyncDisposable & { readonly path: string }> {
  const path = await mkdtemp(join(tmpdir(), 'keyhaven-cli-'))
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) }
}

function collect(terminal = false): { stream: Context['stdout']; text: () => string } {
  const stream = Object.assign(new PassThrough(), { isTTY: terminal })
  const chunks: Buffer[] = []
  stream.on('data', (chunk: Buffer) => chunks.push(chunk))
  return { stream, text: () => Buffer.concat(chunks).toString('utf8') }
}

function piped(text: string | undefined): Context['stdin'] {
  return Readable.from(text === undefined ? [] : [Buffer.from(text)])
}

/** Types the next line each time the echo is switched off. */
function typist(lines: readonly string[]): Context['stdin'] {
  const stdin = new PassThrough()
  const waiting = [...lines]
  const setRawMode = (raw: boolean): void => {
    if (raw) stdin.write(waiting.shift() ?? '\u0003')
  }
  return Object.assign(stdin, { isTTY: true, setRawMode })
}
