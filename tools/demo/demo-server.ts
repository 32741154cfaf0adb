import { spawn } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { selfSignedCertificate } from '../../test/kit/self-signed-certificate.ts'
import { ROOT } from '../run/step.ts'

/** A key server with TLS, as its own process: what `keyhaven serve` starts. */
export interface DemoServer {
  /** https://127.0.0.1:PORT */
  readonly publicUrl: string
  /** A call of the admin API. */
  admin<T>(method: string, path: string, body?: unknown): Promise<T>
  /** What /metrics says, as name with labels → value. */
  metrics(): Promise<ReadonlyMap<string, number>>
  close(): Promise<void>
}

const TOKEN = 'kh_demo-token-that-lives-as-long-as-the-demo-0123456789'
const START_TIMEOUT_MS = 30_000

export async function startDemoServer(settings: Readonly<Record<string, string>> = {}): Promise<DemoServer> {
  const folder = await mkdtemp(join(tmpdir(), 'keyhaven-demo-'))
  const { certificate, privateKey } = selfSignedCertificate()
  await writeFile(join(folder, 'cert.pem'), certificate)
  await writeFile(join(folder, 'key.pem'), privateKey, { mode: 0o600 })
  const child = spawn(process.execPath, [join(ROOT, 'packages/cli/bin/keyhaven.mjs'), '--json', 'serve'], {
    cwd: folder,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: {
      ...process.env,
      KEYHAVEN_PORT: '0',
      KEYHAVEN_ADMIN_LISTEN: '127.0.0.1:0',
      KEYHAVEN_DATA_DIR: join(folder, 'data'),
      KEYHAVEN_TLS_CERT: join(folder, 'cert.pem'),
      KEYHAVEN_TLS_KEY: join(folder, 'key.pem'),
      KEYHAVEN_ADMIN_TOKEN: TOKEN,
      KEYHAVEN_LOG_LEVEL: 'error',
      ...settings,
    },
  })
  const ended = new Promise<void>((resolve) => child.once('close', () => resolve()))
  const close = async () => {
    child.kill('SIGTERM')
    await ended
    await rm(folder, { recursive: true, force: true })
  }
  let errors = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    errors += text
  })
  const started = await firstEvent(child.stdout).catch(async () => {
    await close()
    throw new Error(`the server did not start: ${errors}`)
  })
  const call = async (path: string, init: RequestInit = {}) => {
    const headers = { authorization: `Bearer ${TOKEN}`, 'content-type': 'application/json' }
    const answer = await fetch(started.adminUrl + path, { ...init, headers })
    if (!answer.ok)
      throw new Error(`${init.method ?? 'GET'} ${path}: ${answer.status} ${await answer.text()}`)
    return answer
  }
  return {
    publicUrl: started.publicUrl,
    async admin<T>(method: string, path: string, body?: unknown) {
      const answer = await call(`/admin/v1${path}`, {
        method,
        ...(body !== undefined && { body: JSON.stringify(body) }),
      })
      return (await answer.json()) as T
    },
    metrics: async () => readMetrics(await (await call('/metrics')).text()),
    close,
  }
}

interface Started {
  readonly publicUrl: string
  readonly adminUrl: string
}

/** The line of JSON that `keyhaven --json serve` writes once it listens. */
async function firstEvent(stdout: NodeJS.ReadableStream): Promise<Started> {
  const lines = createInterface({ input: stdout })
  const late = setTimeout(() => lines.close(), START_TIMEOUT_MS)
  try {
    for await (const line of lines) {
      const event = line.startsWith('{') ? JSON.parse(line) : undefined
      if (event?.event === 'started') return event as Started
    }
  } finally {
    clearTimeout(late)
  }
  throw new Error('no event')
}

/** Prometheus' text format: `name{labels} value` a line. */
function readMetrics(text: string): Map<string, number> {
  const rows = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'))
  return new Map(
    rows.map((line) => {
      const space = line.lastIndexOf(' ')
      return [line.slice(0, space), Number(line.slice(space + 1))] as const
    }),
  )
}
