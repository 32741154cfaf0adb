import { randomUUID } from 'node:crypto'
import type { Gateway, GatewayEvent, SealedHandler } from '@keyhaven/channel/gateway'
import { createGateway, createMemoryReplayStore } from '@keyhaven/channel/gateway'
import { createDurableReplayStore } from './channel/durable-replay-store.ts'
import { createGatewayKeys } from './channel/gateway-keys.ts'
import type { ManifestPublisher } from './channel/manifest-publisher.ts'
import { createManifestPublisher } from './channel/manifest-publisher.ts'
import { createDatabaseReplayStore } from './channel/replay-database.ts'
import type { MarkedReplayStore, ReplayEntries, ReplayKind } from './channel/replay-mark.ts'
import { createMarkedReplayStore, createReplayMark, MARK_RENEW_MS } from './channel/replay-mark.ts'
import type { UsageRecorder } from './channel/usage-recorder.ts'
import { createUsageRecorder } from './channel/usage-recorder.ts'
import type { UsageStore } from './channel/usage-store.ts'
import { createUsageStore } from './channel/usage-store.ts'
import { createConversationMetrics } from './conversations/conversation-metrics.ts'
import type { Conversations } from './conversations/conversations.ts'
import { createConversations } from './conversations/conversations.ts'
import { createFileAccess } from './conversations/file-access.ts'
import { shareConversation } from './conversations/share-conversation.ts'
import { createWaitingRequests } from './conversations/waiting-requests.ts'
import type { Directories } from './directory/directories.ts'
import { openDirectories } from './directory/directories.ts'
import { createWitnessReports } from './directory/log/witness-reports.ts'
import { countFileBytes } from './files/count-file-bytes.ts'
import type { FileService } from './files/file-service.ts'
import { createFileService } from './files/file-service.ts'
import type { MailboxEvents } from './messaging/mailbox-events.ts'
import { createMailboxEvents } from './messaging/mailbox-events.ts'
import type { MailboxStore } from './messaging/mailbox-store.ts'
import { createMailboxStore } from './messaging/mailbox-store.ts'
import type { Config } from './platform/config/config.ts'
import type { Logger } from './platform/log/logger.ts'
import { createLogger } from './platform/log/logger.ts'
import { addProcessMetrics } from './platform/metrics/process-metrics.ts'
import type { MetricsRegistry } from './platform/metrics/registry.ts'
import { createMetricsRegistry } from './platform/metrics/registry.ts'
import type { ObjectStore } from './platform/objects/object-store.ts'
import { openObjectStore } from './platform/objects/open-object-store.ts'
import { openState } from './platform/state/open-state.ts'
import type { State } from './platform/state/state.ts'

const USAGE_FLUSH_MS = 5_000
const REPLAY_PRUNE_MS = 30_000
const MAILBOX_PRUNE_MS = 3_600_000
const CONVERSATION_PRUNE_MS = 3_600_000
const WAITING_REQUESTS_MS = 30_000
const FILES_TIDY_MS = 3_600_000

/** What every process of a server has. */
export interface ServerParts {
  readonly config: Config
  readonly clock: () => number
  readonly logger: Logger
  readonly metrics: MetricsRegistry
  readonly state: State
  readonly usageStore: UsageStore
  readonly usage: UsageRecorder
  readonly manifests: ManifestPublisher
  readonly directories: Directories
  readonly conversations: Conversations
  readonly objects: ObjectStore
  readonly files: FileService
  readonly mailbox: { readonly store: MailboxStore; readonly events: MailboxEvents }
  readonly replay: MarkedReplayStore
  readonly replayKind: ReplayKind
  close(): Promise<void>
}

/**
 * Where the replay entries of this set-up are kept: in memory only if no other process can answer the same
 * call.
 */
export function replayKindOf(config: Config): ReplayKind {
  if (config.redisUrl !== undefined) return 'redis'
  return config.database.dialect === 'sqlite' && config.workers === 1 ? 'memory' : 'database'
}

/** @param options.schedule - whether this process activates and ends keys when they are due. */
export async function openServerParts(
  config: Config,
  options: { readonly schedule: boolean; readonly clock?: () => number },
): Promise<ServerParts> {
  const clock = options.clock ?? Date.now
  const logger = createLogger(config.logLevel)
  const metrics = createMetricsRegistry()
  addProcessMetrics(metrics)
  const onError = (what: string) => (error: unknown) => logger.error({ err: error }, what)
  const state = await openState(config, {
    clock,
    schedule: options.schedule,
    onError: onError('a background task of the state failed'),
  })
  const replayKind = replayKindOf(config)
  const timers: NodeJS.Timeout[] = []
  const every = (ms: number, what: string, task: () => Promise<unknown>) => {
    timers.push(setInterval(() => task().catch(onError(what)), ms).unref())
  }
  const closers: (() => Promise<void>)[] = []

  /** A store that forgets, and what its memory is called. */
  const openFastReplay = async (): Promise<{
    entries: ReplayEntries
    identity: () => string | undefined
  }> => {
    if (config.redisUrl === undefined) {
      const identity = randomUUID()
      return { entries: createMemoryReplayStore(clock), identity: () => identity }
    }
    const { createRedisReplayStore } = await import('./channel/replay-redis.ts')
    const store = await createRedisReplayStore(
      config.redisUrl,
      clock,
      onError('the replay store (Redis) failed'),
    )
    closers.push(() => store.close())
    return { entries: store, identity: () => store.identity }
  }

  const openReplay = async (): Promise<MarkedReplayStore> => {
    const database = createDatabaseReplayStore(state, clock)
    every(REPLAY_PRUNE_MS, 'pruning the replay store failed', () => database.prune(clock()))
    const fast = replayKind === 'database' ? undefined : await openFastReplay()
    const mark = await createReplayMark(state, replayKind, fast?.identity ?? (() => 'database'), clock)
    closers.unshift(() => mark.release())
    const durable = fast && (await createDurableReplayStore(fast.entries, database, state, clock))
    const look = async () => {
      // In this order: without news of burned requests, nothing runs.
      await durable?.refresh()
      if (replayKind !== 'memory') await mark.renew()
    }
    every(MARK_RENEW_MS, 'looking after the replay store failed', look)
    return createMarkedReplayStore(durable ?? database, mark, clock, look)
  }

  try {
    const replay = await openReplay()
    const usageStore = createUsageStore(state.db)
    const lost = metrics.counter(
      'keyhaven_usage_flush_failures_total',
      'Times that usage could not be written.',
    )
    const usage = createUsageRecorder(state.keyCache, usageStore, clock, (error) => {
      lost.add()
      logger.error({ err: error }, 'usage could not be written')
    })
    every(USAGE_FLUSH_MS, 'usage could not be written', () => usage.flush())
    const manifests = createManifestPublisher(state, config.manifestLifetimeSeconds, clock)
    const mailbox = openMailbox(state, onError('looking for new mail failed'))
    if (options.schedule) {
      every(MAILBOX_PRUNE_MS, 'pruning the mailboxes failed', () => mailbox.store.prune(clock()))
    }
    const directories = await openDirectories({
      state,
      clock,
      onError: onError('the log needs attention'),
      witnessReports: createWitnessReports(logger, metrics),
      knows: (...names) => shareConversation(state.db, ...names),
    })
    const objects = await openObjectStore(config.objects)
    closers.push(async () => objects.close())
    if (options.schedule) await objects.check()
    const keysInObjects = config.conversationKeys === 'objects'
    const conversations = createConversations({
      ...{ state, directories, clock, keysInObjects },
      objects: async () => objects,
      metrics: createConversationMetrics(metrics),
    })
    const access = createFileAccess(conversations, state)
    const bareFiles = createFileService({
      ...{ state, objects, access, clock },
      conversationBytes: config.conversationFileBytes,
    })
    const files = countFileBytes(bareFiles, metrics)
    if (options.schedule) {
      every(FILES_TIDY_MS, 'tidying the files failed', () =>
        files.tidy(clock(), onError('a file could not be tidied')),
      )
    }
    if (options.schedule) {
      every(CONVERSATION_PRUNE_MS, 'erasing old keys of conversations failed', () =>
        conversations.prune(clock()),
      )
      const countWaiting = createWaitingRequests(state.db, metrics)
      await countWaiting()
      every(WAITING_REQUESTS_MS, 'counting the requests for keys failed', countWaiting)
    }
    return {
      config,
      clock,
      logger,
      metrics,
      state,
      usageStore,
      usage,
      manifests,
      directories,
      conversations,
      objects,
      files,
      mailbox,
      replay,
      replayKind,
      async close() {
        for (const timer of timers) clearInterval(timer)
        manifests.close()
        mailbox.events.close()
        await directories.close()
        await usage.flush()
        for (const close of closers) await close()
        await state.close()
      },
    }
  } catch (error) {
    for (const timer of timers) clearInterval(timer)
    for (const close of closers) await close()
    await state.close()
    throw error
  }
}

function openMailbox(state: State, onError: (error: unknown) => void): ServerParts['mailbox'] {
  const store = createMailboxStore(state)
  return { store, events: createMailboxEvents(store, onError) }
}

export interface ServedGateway {
  readonly handler: SealedHandler
  /** Which applications it opens for. */
  readonly serves: (applicationId: string) => boolean
  readonly allowPath: (path: string) => boolean
  readonly countUsage: boolean
}

/** A gateway over the server's keys, counting what it does. */
export function createServedGateway(parts: ServerParts, served: ServedGateway): Gateway {
  const exchanges = parts.metrics.counter(
    'keyhaven_channel_exchanges_total',
    'Sealed calls by outcome: ok, or the code of the refusal.',
  )
  return createGateway({
    keys: createGatewayKeys(parts.state, served.serves),
    handler: served.handler,
    replay: parts.replay,
    clock: parts.clock,
    allowPath: served.allowPath,
    onExchange: (event: GatewayEvent) => {
      const ok = event.outcome === 'answered'
      exchanges.add({ outcome: ok ? 'ok' : event.outcome })
      if (ok && served.countUsage) parts.usage.record(event)
    },
  })
}
