import type { ConversationService } from '@keyhaven/conversations/service'
import { backend } from '@keyhaven/crypto'
import type { Directories } from '../directory/directories.ts'
import type { LogKeys } from '../directory/log/log-keys.ts'
import { whyOneOperator } from '../platform/auth/operator-makers.ts'
import type { State } from '../platform/state/state.ts'
import type { ConversationMetrics } from './conversation-metrics.ts'
import { createConversationStore } from './conversation-store.ts'
import { createKeyVault, type KeyObjects } from './key-vault.ts'
import { eraseSuperseded } from './retention.ts'

const MAX_KNOWN_LOGS = 10_000

/** The conversations of all applications, in this process. */
export interface Conversations {
  /**
   * The service, once the application's log is open. @throws KeyhavenError `NOT_FOUND`: it has no users yet.
   */
  open(application: string): Promise<ConversationService>
  /** Erases what the retention rules let go. @returns how many keys. */
  prune(now: number): Promise<number>
}

export interface ConversationsOptions {
  readonly state: State
  readonly directories: Directories
  readonly clock: () => number
  /** Opens the object store; there is none without a setting. */
  readonly objects?: () => Promise<KeyObjects>
  /** New wrapped keys lie there, not in the database. */
  readonly keysInObjects?: boolean
  readonly metrics?: ConversationMetrics
}

export function createConversations(options: ConversationsOptions): Conversations {
  const { state, directories, clock, objects, metrics } = options
  const logKeys = new Map<string, LogKeys>()
  let service: Promise<ConversationService> | undefined

  async function start(): Promise<ConversationService> {
    // Loaded at the first use: a server without conversations starts without them.
    const { createConversationService } = await import('@keyhaven/conversations/service')
    const store = createConversationStore({
      state,
      directories,
      logKeys: (application) => logKeys.get(application)!,
    })
    const made = createConversationService({
      backend,
      clock,
      store: metrics?.countStore(store) ?? store,
      vault: createKeyVault(state.wrapper, objects, options.keysInObjects),
      directory: {
        findDevice: async (application, device) =>
          (await directories.open(application)).service.findDevice(device),
        async checkpoint(application, minimumSize) {
          const { note, size } = await directories.log.checkpoint(application, minimumSize)
          return { checkpoint: note, size }
        },
        inclusionProof: (application, index, size) =>
          directories.log.inclusionProof(application, index, size),
      },
      whyOneOperator: (one, other) => whyOneOperator(state.db, one, other),
      // After what is waiting in the event loop: calls that arrive together commit together.
      soon: (begin) => setImmediate(begin),
    })
    return metrics?.countReleases(made) ?? made
  }

  return {
    async open(application) {
      const { keys } = await directories.open(application)
      logKeys.delete(application)
      logKeys.set(application, keys)
      // One that is used goes to the end: what is dropped is long unused, and not in a batch.
      if (logKeys.size > MAX_KNOWN_LOGS) logKeys.delete(logKeys.keys().next().value!)
      service ??= start()
      return service
    },
    prune: (now) => eraseSuperseded(state, now, objects),
  }
}
