import type { Worker } from 'node:cluster'
import cluster from 'node:cluster'
import { extname } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { ErrorCode } from '@keyhaven/crypto'
import { KeyhavenError } from '@keyhaven/crypto'
import { mergeSnapshots } from '../platform/metrics/prometheus-text.ts'
import type { MetricSnapshot } from '../platform/metrics/registry.ts'
import type { ProxyMode } from '../proxy/proxy-mode.ts'
import type { ServerParts } from '../server-parts.ts'
import type { FromWorker, ToWorker } from './messages.ts'

/** A worker that does not answer in time is left out of this answer. */
const ANSWER_TIMEOUT_MS = 1_000
/** Longer than a worker's own grace: then it is killed. */
const STOP_TIMEOUT_MS = 15_000
const FIRST_RESTART_DELAY_MS = 200
const MAX_RESTART_DELAY_MS = 10_000

type Listening = Extract<FromWorker, { kind: 'listening' }>

export interface Workers {
  readonly url: string
  readonly identityUrl?: string
  /** Of all processes, this one too. */
  collectMetrics(): Promise<readonly MetricSnapshot[]>
  flushUsage(): Promise<void>
  close(): Promise<void>
}

/**
 * Starts `config.workers` processes that share the public address, and a new one for each that ends by
 * itself.
 */
export async function startWorkers(parts: ServerParts, proxy: ProxyMode | undefined): Promise<Workers> {
  const { config, logger } = parts
  const running = new Set<Worker>()
  const waiting = new Map<number, (metrics: readonly MetricSnapshot[]) => void>()
  let stopping = false
  let nextId = 0
  let restartDelay = FIRST_RESTART_DELAY_MS

  cluster.setupPrimary({
    // The same extension as this file: source as it is, or the build for publishing.
    exec: fileURLToPath(new URL(`./worker-main${extname(import.meta.url)}`, import.meta.url)),
    args: [],
    execArgv: [],
    serialization: 'advanced',
  })

  function start(): Promise<Listening> {
    const worker = cluster.fork()
    running.add(worker)
    return new Promise((resolve, reject) => {
      worker.on('message', (message: FromWorker) => {
        if (message.kind === 'listening') resolve(message)
        else if (message.kind === 'failed')
          reject(new KeyhavenError(message.code as ErrorCode, message.message))
        else waiting.get(message.id)?.(message.metrics)
      })
      worker.once('exit', (code, signal) => {
        running.delete(worker)
        reject(new KeyhavenError('STORE_UNAVAILABLE', 'a worker process ended while it started'))
        if (!stopping) restart(code, signal)
      })
      worker.once('online', () => send(worker, { kind: 'start', config, proxy }))
    })
  }

  function restart(code: number | null, signal: string | null): void {
    logger.error({ exitCode: code, signal }, 'a worker process ended by itself; starting another')
    setTimeout(() => {
      if (stopping) return
      start().then(
        () => {
          restartDelay = FIRST_RESTART_DELAY_MS
        },
        (error: unknown) => logger.error({ err: error }, 'a worker process did not start'),
      )
    }, restartDelay).unref()
    restartDelay = Math.min(restartDelay * 2, MAX_RESTART_DELAY_MS)
  }

  function ask(kind: 'collect' | 'flush'): Promise<ReadonlyArray<readonly MetricSnapshot[]>> {
    return Promise.all(
      [...running].map(
        (worker) =>
          new Promise<readonly MetricSnapshot[]>((resolve) => {
            const id = nextId++
            const answer = (metrics: readonly MetricSnapshot[]) => {
              clearTimeout(timeout)
              waiting.delete(id)
              resolve(metrics)
            }
            const timeout = setTimeout(() => answer([]), ANSWER_TIMEOUT_MS)
            waiting.set(id, answer)
            send(worker, { kind, id })
          }),
      ),
    )
  }

  async function close(): Promise<void> {
    stopping = true
    await Promise.all([...running].map(stop))
  }

  const started = await Promise.allSettled(Array.from({ length: config.workers }, start))
  const failed = started.find((result) => result.status === 'rejected')
  if (failed) {
    await close()
    throw failed.reason
  }
  const [first] = started as PromiseFulfilledResult<Listening>[]
  return {
    url: first!.value.url,
    ...(first!.value.identityUrl === undefined ? {} : { identityUrl: first!.value.identityUrl }),
    async collectMetrics() {
      return mergeSnapshots([parts.metrics.snapshot(), ...(await ask('collect'))])
    },
    async flushUsage() {
      await Promise.all([parts.usage.flush(), ask('flush')])
    },
    close,
  }
}

function send(worker: Worker, message: ToWorker): void {
  // A worker that has just ended cannot be told anything; its exit is seen elsewhere.
  if (worker.isConnected()) worker.send(message, () => {})
}

function stop(worker: Worker): Promise<void> {
  return new Promise((resolve) => {
    if (worker.isDead()) {
      resolve()
      return
    }
    const kill = setTimeout(() => worker.process.kill('SIGKILL'), STOP_TIMEOUT_MS)
    worker.once('exit', () => {
      clearTimeout(kill)
      resolve()
    })
    send(worker, { kind: 'stop' })
  })
}
