import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import type { CliFolder } from './cli-folder.ts'

export interface StartedWitness extends AsyncDisposable {
  readonly url: string
  readonly verifierKey: string
  /** KEYHAVEN_WITNESSES=… */
  readonly setting: string
  readonly logs: readonly string[]
  readonly isNew: boolean
  /** What it wrote since it is ready, one JSON document each. */
  readonly events: readonly Readonly<Record<string, unknown>>[]
  /** @returns its exit code. */
  stop(signal?: NodeJS.Signals): Promise<number | null>
}

/** Starts `keyhaven witness` on a free port and waits until it is ready. */
export async function startWitness(
  folder: CliFolder,
  logs: readonly string[],
  ...options: string[]
): Promise<StartedWitness> {
  const argv = ['--json', 'witness', '--listen', '127.0.0.1:0', ...logs.flatMap((key) => ['--log', key])]
  const child = spawn('keyhaven', [...argv, ...options], {
    cwd: folder.path,
    env: folder.env,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const ended = once(child, 'exit')
  const stop = async (signal: NodeJS.Signals = 'SIGTERM'): Promise<number | null> => {
    if (child.exitCode === null && child.signalCode === null) child.kill(signal)
    await ended
    return child.exitCode
  }
  let log = ''
  child.stderr.on('data', (chunk: Buffer) => {
    log += chunk.toString('utf8')
  })
  const events: Record<string, unknown>[] = []
  const started = new Promise<Omit<StartedWitness, 'stop' | 'events' | keyof AsyncDisposable>>(
    (resolve, reject) => {
      createInterface({ input: child.stdout }).on('line', (line) => {
        const { event, ...rest } = JSON.parse(line)
        if (event === 'started') resolve(rest)
        else events.push({ event, ...rest })
      })
      ended.then(() => reject(new Error(`the witness ended before it was ready: ${log}`)))
    },
  )
  return { ...(await started), events, stop, [Symbol.asyncDispose]: async () => void (await stop()) }
}

/** Hands a body in to `add-checkpoint`. */
export function submit({ url }: Pick<StartedWitness, 'url'>, body: string): Promise<Response> {
  return fetch(`${url}/add-checkpoint`, { method: 'POST', body })
}
