import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { bundledProgram } from './bundled-program.ts'

/** What users run. */
export const SERVER_SOURCE = fileURLToPath(new URL('./server-main.ts', import.meta.url))
export const TEST_ADMIN_TOKEN = 'kh_token-of-the-tests-0123456789abcdefghij'

export interface ServerProcess {
  readonly publicUrl: string
  readonly adminUrl: string
  readonly identityUrl?: string
  readonly oneTimeCode: string
  readonly defaultApplication: { readonly id: string; readonly rootThumbprints: string[] }
  readonly pid: number
  /** Everything that it wrote to standard error: its log. */
  log(): string
  /** Asks it to end, and waits. @returns its exit code. */
  stop(): Promise<number | null>
  /** Ends it as a crash would, and waits. */
  kill(): Promise<void>
}

/** What every server of a test starts with. */
export const TEST_ENV: Readonly<Record<string, string>> = {
  KEYHAVEN_PORT: '0',
  KEYHAVEN_ADMIN_LISTEN: '127.0.0.1:0',
  KEYHAVEN_ADMIN_TOKEN: TEST_ADMIN_TOKEN,
  KEYHAVEN_LOG_LEVEL: 'warn',
}

/**
 * Starts the real server in a process of its own.
 *
 * @param env - `KEYHAVEN_*` over {@link TEST_ENV}; at least KEYHAVEN_DATA_DIR.
 * @param options - `killAfterMs`: ends it as a crash would so long after its start, ready or not. `main`: what to start;
 * in tests their bundle of the source, in benchmarks the source.
 * @throws Error with what the process wrote, if it ends before it is ready.
 */
export async function startServerProcess(
  env: Readonly<Record<string, string>>,
  { killAfterMs, main }: { readonly killAfterMs?: number | undefined; readonly main?: string } = {},
): Promise<ServerProcess> {
  const inherited = Object.entries(process.env).filter(([name]) => !name.startsWith('KEYHAVEN_'))
  const usual = process.env.VITEST === undefined ? SERVER_SOURCE : await bundledProgram(SERVER_SOURCE)
  const child = spawn(process.execPath, [main ?? usual], {
    env: { ...Object.fromEntries(inherited), ...TEST_ENV, ...env },
    stdio: ['pipe', 'pipe', 'pipe'],
  })
  if (killAfterMs !== undefined) setTimeout(() => child.kill('SIGKILL'), killAfterMs)
  let log = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    log += text
  })
  const exited = once(child, 'exit')
  const ready = await Promise.race([
    once(createInterface(child.stdout), 'line').then(([line]) => String(line)),
    exited.then(() => {
      throw new Error(`the server did not start:\n${log}`)
    }),
  ])
  return {
    ...JSON.parse(ready),
    pid: child.pid,
    log: () => log,
    async stop() {
      child.kill('SIGTERM')
      const [code] = await exited
      return code as number | null
    },
    async kill() {
      child.kill('SIGKILL')
      await exited
    },
  }
}
