import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import type { CliFolder } from './cli-folder.ts'

export interface StartedServer extends AsyncDisposable {
  readonly publicUrl: string
  readonly adminUrl: string
  readonly defaultApplication: { readonly id: string; readonly rootThumbprints: readonly string[] }
  /** What it wrote on standard error. */
  log(): string
  /** Stops it as SIGTERM does. @returns its exit code. */
  stop(): Promise<number | null>
}

/** Starts `keyhaven serve` (or another command that serves) on free ports, and waits until it is ready. */
export async function startCommand(
  folder: CliFolder,
  argv: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<StartedServer> {
  const child = spawnCommand(folder, ['--json', ...argv], env)
  const stop = (): Promise<number | null> => stopChild(child)
  try {
    const log = collect(child)
    const started = await readStarted(child, log)
    return { ...started, log, stop, [Symbol.asyncDispose]: async () => void (await stop()) }
  } catch (error) {
    await stop()
    throw error
  }
}

/** Starts such a command as a person does, and reads what it says until a line holds `last`. */
export async function startForPerson(
  folder: CliFolder,
  argv: readonly string[],
  last: string,
): Promise<AsyncDisposable & { readonly greeting: string }> {
  const child = spawnCommand(folder, argv)
  const lines: string[] = []
  const stop = async (): Promise<void> => void (await stopChild(child))
  for await (const line of createInterface({ input: child.stdout! })) {
    lines.push(line)
    if (line.includes(last)) return { greeting: lines.join('\n'), [Symbol.asyncDispose]: stop }
  }
  await stop()
  throw new Error(`it ended before it said "${last}": ${lines.join('\n')}`)
}

function spawnCommand(
  folder: CliFolder,
  argv: readonly string[],
  env: Readonly<Record<string, string>> = {},
): ChildProcess {
  const listen = ['--port', '0', '--admin-listen', '127.0.0.1:0', '--log-level', 'warn']
  return spawn('keyhaven', [...argv, ...listen], {
    cwd: folder.path,
    env: { ...folder.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
}

function collect(child: ChildProcess): () => string {
  let log = ''
  child.stderr!.setEncoding('utf8').on('data', (text: string) => {
    log += text
  })
  return () => log
}

async function readStarted(
  child: ChildProcess,
  log: () => string,
): Promise<Omit<StartedServer, 'log' | 'stop' | keyof AsyncDisposable>> {
  for await (const line of createInterface({ input: child.stdout! })) {
    const { event, ...started } = JSON.parse(line)
    if (event === 'started') return started
  }
  throw new Error(`the server ended before it was ready: ${log()}`)
}

async function stopChild(child: ChildProcess): Promise<number | null> {
  if (child.exitCode === null && child.signalCode === null) {
    const ended = once(child, 'exit')
    child.kill('SIGTERM')
    await ended
  }
  return child.exitCode
}
