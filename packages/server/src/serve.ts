import { mkdirSync } from 'node:fs'
import { setTimeout } from 'node:timers/promises'
import type { ApplicationService } from './applications/application-service.ts'
import { createApplicationService } from './applications/application-service.ts'
import { readApplications } from './applications/application-store.ts'
import type { DataLock } from './data-lock.ts'
import { lockDatabase } from './data-lock.ts'
import type { IdentityService } from './identity/identity-listener.ts'
import type { Config } from './platform/config/config.ts'
import type { Listener } from './platform/http/listen.ts'
import type { ProxyMode } from './proxy/proxy-mode.ts'
import { startAdminService } from './serve-admin.ts'
import type { PublicServiceOptions } from './serve-public.ts'
import { createPublicService, listenPublic } from './serve-public.ts'
import type { ServerParts } from './server-parts.ts'
import { openServerParts, replayKindOf } from './server-parts.ts'

const DATA_DIRECTORY_MODE = 0o700
/** How long running calls may take to end when the server is told to stop. */
export const SHUTDOWN_GRACE_MS = 10_000
/** The rest of the second in which a replay store began. */
const MAX_READY_WAIT_MS = 1_000

export interface RunningServer {
  /** Where apps send their sealed calls. */
  readonly publicUrl: string
  /** Admin API and dashboard. */
  readonly adminUrl: string
  /** The identity capability's own listener, where it is on. */
  readonly identityUrl?: string
  /** Signs in to the dashboard once, within 15 minutes. */
  readonly oneTimeCode: string
  /**
   * What an app needs to trust the default application; of a gateway for one application, that one, once it
   * exists.
   */
  readonly defaultApplication:
    | {
        readonly id: string
        readonly rootThumbprints: readonly string[]
        /** Verifier key of the directory's log; a gateway has no directory, nor has a role other than main. */
        readonly log?: string
      }
    | undefined
  /** Lets running calls end, writes what is counted, then stops. */
  close(): Promise<void>
}

/**
 * Starts the key server: public address, admin address, and worker processes if there are to be several.
 *
 * @throws KeyhavenError `CONFIG_INVALID` (settings, address taken, data folder in use), `STATE_ROLLED_BACK`,
 *   `STORE_UNAVAILABLE`.
 */
export function startServer(config: Config): Promise<RunningServer> {
  return startServing(config, undefined)
}

export async function startServing(config: Config, proxy: ProxyMode | undefined): Promise<RunningServer> {
  mkdirSync(config.dataDir, { recursive: true, mode: DATA_DIRECTORY_MODE })
  const lock = lockDatabase(config.database, replayKindOf(config) === 'memory' ? 'alone' : 'shared')
  try {
    const parts = await openServerParts(config, { schedule: true })
    try {
      const applications = createApplicationService(parts.state)
      await applications.ensureFirstStart()
      const identity = proxy ? undefined : await openIdentityOf(parts, applications, { schedule: true })
      try {
        const start = config.workers > 1 ? startWithWorkers : startAlone
        const running = await start(parts, applications, proxy, identity)
        await untilCallsRun(parts)
        return withLock(running, lock)
      } catch (error) {
        await identity?.close()
        throw error
      }
    } catch (error) {
      await parts.close()
      throw error
    }
  } catch (error) {
    lock?.release()
    throw error
  }
}

/** The identity capability, if this process has it: its code is loaded only then. */
export async function openIdentityOf(
  parts: ServerParts,
  applications: ApplicationService,
  options: { readonly schedule: boolean },
): Promise<IdentityService | undefined> {
  if (parts.config.identity === undefined) return undefined
  const { openIdentity } = await import('./identity/identity-listener.ts')
  return openIdentity(parts, await applications.defaultId(), options)
}

/**
 * A store in memory that follows another refuses the second in which it began, since dates are whole seconds.
 * Whoever is told that the server runs can call at once. A longer wait, after a change of the store, is
 * `/readyz`'s to say.
 */
async function untilCallsRun({ replay }: ServerParts): Promise<void> {
  for (;;) {
    const wait = replay.takesCallsIn()
    if (wait === 0 || wait > MAX_READY_WAIT_MS) return
    await setTimeout(wait)
  }
}

function withLock(running: RunningServer, lock: DataLock | undefined): RunningServer {
  let closing: Promise<void> | undefined
  const close = async () => {
    await running.close()
    lock?.release()
  }
  return {
    ...running,
    close: () => {
      closing ??= close()
      return closing
    },
  }
}

async function startAlone(
  parts: ServerParts,
  applications: ApplicationService,
  proxy: ProxyMode | undefined,
  identity: IdentityService | undefined,
): Promise<RunningServer> {
  const service = createPublicService(parts, await publicOptions(parts, applications, proxy, identity))
  const publicListener = await listenPublic(parts, service)
  const publicUrl = parts.config.publicUrl ?? publicListener.url
  let identityListener: Listener | undefined
  try {
    identityListener = await identity?.listen()
    const admin = await startAdminService(parts, {
      applications,
      publicGateway: service.gateway,
      publicUrl,
      collectMetrics: async () => parts.metrics.snapshot(),
      flushUsage: () => parts.usage.flush(),
      identity,
    })
    return {
      publicUrl,
      adminUrl: admin.url,
      ...identityUrl(identity),
      oneTimeCode: admin.oneTimeCode,
      defaultApplication: await describeDefault(parts, applications, proxy),
      close: async () => {
        const listeners = [publicListener, admin, ...(identityListener ? [identityListener] : [])]
        await Promise.all(listeners.map((listener) => listener.close(SHUTDOWN_GRACE_MS)))
        await identity?.close()
        await parts.close()
      },
    }
  } catch (error) {
    await Promise.all([publicListener.close(0), identityListener?.close(0)])
    throw error
  }
}

async function startWithWorkers(
  parts: ServerParts,
  applications: ApplicationService,
  proxy: ProxyMode | undefined,
  identity: IdentityService | undefined,
): Promise<RunningServer> {
  const { startWorkers } = await import('./workers/start-workers.ts')
  const workers = await startWorkers(parts, proxy)
  const publicUrl = parts.config.publicUrl ?? workers.url
  try {
    if (workers.identityUrl !== undefined) identity?.listening(workers.identityUrl)
    // Not served here: it judges the envelopes of `…/check`.
    const { gateway } = createPublicService(parts, await publicOptions(parts, applications, proxy, identity))
    const admin = await startAdminService(parts, {
      applications,
      publicGateway: gateway,
      publicUrl,
      collectMetrics: workers.collectMetrics,
      flushUsage: workers.flushUsage,
      identity,
    })
    return {
      publicUrl,
      adminUrl: admin.url,
      ...identityUrl(identity),
      oneTimeCode: admin.oneTimeCode,
      defaultApplication: await describeDefault(parts, applications, proxy),
      close: async () => {
        await Promise.all([workers.close(), admin.close(SHUTDOWN_GRACE_MS)])
        await identity?.close()
        await parts.close()
      },
    }
  } catch (error) {
    await workers.close()
    throw error
  }
}

function identityUrl(identity: IdentityService | undefined): Pick<RunningServer, 'identityUrl'> {
  return identity === undefined ? {} : { identityUrl: identity.parts.url() }
}

/** What the public address serves: `/v1`, what the role of the process has of it, or in proxy mode the backends. */
export async function publicOptions(
  parts: ServerParts,
  applications: ApplicationService,
  proxy: ProxyMode | undefined,
  identity?: IdentityService,
): Promise<PublicServiceOptions> {
  const defaultApplicationId = await applications.defaultId()
  if (!proxy) return { defaultApplicationId, served: identity?.served, identity: identity?.sealed }
  const { createProxyService } = await import('./proxy/proxy-service.ts')
  return {
    defaultApplicationId: proxy.applicationId ?? defaultApplicationId,
    served: createProxyService(parts.config, proxy),
  }
}

async function describeDefault(
  { config, directories, state }: ServerParts,
  applications: ApplicationService,
  proxy: ProxyMode | undefined,
): Promise<RunningServer['defaultApplication']> {
  const id = proxy?.applicationId ?? (await applications.defaultId())
  if (id === undefined) return undefined
  // A gateway may start before its application: the same process has the admin API that makes it.
  const [application] = await readApplications(state.db, { ids: [id] })
  if (application === undefined) return undefined
  const { rootThumbprints } = application.trust
  const hasDirectory = proxy === undefined && (config.identity?.role ?? 'main') === 'main'
  if (!hasDirectory) return { id, rootThumbprints }
  return { id, rootThumbprints, log: (await directories.ensure(id)).keys.verifierKey }
}
