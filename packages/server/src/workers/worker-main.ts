// What a worker process runs: the public address, until the primary process says stop or is gone.
import { KeyhavenError } from '@keyhaven/crypto'
import { createApplicationService } from '../applications/application-service.ts'
import type { Config } from '../platform/config/config.ts'
import type { ProxyMode } from '../proxy/proxy-mode.ts'
import { openIdentityOf, publicOptions, SHUTDOWN_GRACE_MS } from '../serve.ts'
import { createPublicService, listenPublic } from '../serve-public.ts'
import { openServerParts } from '../server-parts.ts'
import type { FromWorker, ToWorker } from './messages.ts'

interface Running {
  answer(id: number): void
  flush(id: number): void
  stop(): Promise<void>
}

let running: Promise<Running> | undefined

function tell(message: FromWorker): void {
  if (process.connected) process.send?.(message)
}

async function start(config: Config, proxy: ProxyMode | undefined): Promise<Running> {
  const parts = await openServerParts(config, { schedule: false })
  const applications = createApplicationService(parts.state)
  const identity = proxy ? undefined : await openIdentityOf(parts, applications, { schedule: false })
  const service = createPublicService(parts, await publicOptions(parts, applications, proxy, identity))
  const listener = await listenPublic(parts, service)
  const identityListener = await identity?.listen()
  tell({
    kind: 'listening',
    url: listener.url,
    ...(identityListener === undefined ? {} : { identityUrl: identityListener.url }),
  })
  const answer = (id: number) => tell({ kind: 'answer', id, metrics: parts.metrics.snapshot() })
  return {
    answer,
    flush: (id) => void parts.usage.flush().then(() => answer(id)),
    async stop() {
      await Promise.all([listener.close(SHUTDOWN_GRACE_MS), identityListener?.close(SHUTDOWN_GRACE_MS)])
      await identity?.close()
      await parts.close()
    },
  }
}

async function stop(): Promise<void> {
  const server = await running?.catch(() => undefined)
  await server?.stop()
  process.exit(0)
}

process.on('message', (message: ToWorker) => {
  if (message.kind === 'start') {
    running = start(message.config, message.proxy)
    running.catch((error: unknown) => {
      const known = error instanceof KeyhavenError
      tell({
        kind: 'failed',
        code: known ? error.code : 'STORE_UNAVAILABLE',
        message: known ? error.message : 'a worker process could not start',
      })
      process.exit(1)
    })
  } else if (message.kind === 'stop') void stop()
  else if (message.kind === 'flush') void running?.then((server) => server.flush(message.id))
  else void running?.then((server) => server.answer(message.id))
})

// Ctrl-C goes to every process of the terminal: the primary decides.
process.on('SIGINT', () => {})
process.on('SIGTERM', () => {})
process.on('disconnect', () => void stop())
