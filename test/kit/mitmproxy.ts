import { spawn } from 'node:child_process'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { freePort } from './free-port.ts'
import { selfSignedCertificate } from './self-signed-certificate.ts'

/** What the interceptor does to the messages that match method and path; see mitmproxy-addon.py. */
export type Order = { method: string; path: string } & (
  | { flip: 'request' | 'response'; offset: number }
  | { cut: 'response'; keep: number }
  | { answer: { status: number; type: string; body: string } }
)

/** One exchange as the interceptor saw it, TLS taken off. */
export interface Captured {
  readonly method: string
  readonly path: string
  readonly requestHeaders: ReadonlyArray<readonly [string, string]>
  readonly requestBody: Buffer
  readonly status: number | undefined
  readonly responseHeaders: ReadonlyArray<readonly [string, string]>
  readonly responseBody: Buffer
}

export interface Interceptor {
  /** https://127.0.0.1:PORT, where the app thinks its server is. */
  readonly url: string
  /** PEM of the certificate authority that the interceptor signs with. */
  readonly certificateAuthority: string
  /** Sets what it changes from the next message on; without an order it only reads. */
  order(order?: Order): Promise<void>
  /** Everything seen so far. */
  captured(): Promise<Captured[]>
  close(): Promise<void>
}

const START_TIMEOUT_MS = 120_000
const POLL_MS = 50

/** One for all interceptors of this process: two of the same name and different keys confuse a client. */
const AUTHORITY = selfSignedCertificate('A certificate authority that the app trusts')

/** Starts mitmproxy in reverse mode before `upstream` (an https URL whose certificate it does not check). */
export async function startMitmproxy(upstream: string): Promise<Interceptor> {
  const folder = await mkdtemp(join(tmpdir(), 'keyhaven-mitmproxy-'))
  await writeFile(join(folder, 'mitmproxy-ca.pem'), AUTHORITY.privateKey + AUTHORITY.certificate)
  const port = await freePort()
  const orders = join(folder, 'orders.json')
  const child = spawn(
    'mitmdump',
    [
      ...['--mode', `reverse:${upstream}/`, '--listen-host', '127.0.0.1', '-p', String(port)],
      ...['--set', `confdir=${folder}`, '--ssl-insecure', '--quiet'],
      ...['-s', join(import.meta.dirname, 'mitmproxy-addon.py')],
    ],
    { stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, CAPTURE_DIR: folder } },
  )
  let output = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      output += text
    })
  }
  const ended = new Promise<void>((resolve) => child.once('close', () => resolve()))
  child.once('error', (error) => {
    output += error.message
  })
  const close = async () => {
    child.kill('SIGKILL') // it keeps nothing that is worth an orderly end
    await ended
    await rm(folder, { recursive: true, force: true })
  }
  try {
    await until(
      () => accepts(port),
      () => child.exitCode !== null || child.pid === undefined,
    )
  } catch {
    await close()
    throw new Error(`mitmproxy did not start: ${output}`)
  }
  return {
    url: `https://127.0.0.1:${port}`,
    certificateAuthority: AUTHORITY.certificate,
    order: (order) => (order ? writeFile(orders, JSON.stringify(order)) : rm(orders, { force: true })),
    captured: () => readCaptured(folder),
    close,
  }
}

interface Head {
  number: number
  side: 'request' | 'response'
  method?: string
  path?: string
  status?: number
  headers: [string, string][]
}

async function readCaptured(folder: string): Promise<Captured[]> {
  const lines = await readFile(join(folder, 'index.jsonl'), 'utf8').catch(() => '')
  const heads = lines
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line) as Head)
  const body = (number: number, side: string) =>
    readFile(join(folder, `${number}-${side}.body`)).catch(() => Buffer.alloc(0))
  return await Promise.all(
    heads
      .filter((head) => head.side === 'request')
      .map(async (head) => {
        const answer = heads.find((other) => other.number === head.number && other.side === 'response')
        return {
          method: head.method!,
          path: head.path!,
          requestHeaders: head.headers,
          requestBody: await body(head.number, 'request'),
          status: answer?.status,
          responseHeaders: answer?.headers ?? [],
          responseBody: await body(head.number, 'response'),
        }
      }),
  )
}

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1')
    socket.once('connect', () => socket.end(() => resolve(true))).once('error', () => resolve(false))
  })
}

/** mitmproxy says nothing when it is ready, so this asks it. */
async function until(ready: () => Promise<boolean>, gaveUp: () => boolean): Promise<void> {
  const deadline = performance.now() + START_TIMEOUT_MS
  while (!(await ready())) {
    if (gaveUp() || performance.now() > deadline) throw new Error('not ready')
    await new Promise((resolve) => setTimeout(resolve, POLL_MS))
  }
}
