import { backend, KeyhavenError } from '@keyhaven/crypto'
import type {
  DirectoryService,
  DirectorySettings,
  LimitedCall,
  LogAppender,
} from '@keyhaven/directory/service'
import type { RateLimit } from '../platform/http/rate-limit.ts'
import { createRateLimiter } from '../platform/http/rate-limit.ts'
import type { State } from '../platform/state/state.ts'
import { createDeviceCache, type DeviceCache } from './device-cache.ts'
import type { StoredDirectoryTransaction } from './directory-store.ts'
import { createDirectoryStore } from './directory-store.ts'
import { createIdTokenVerifier } from './id-token-verifier.ts'
import type { DirectoryLog } from './log/directory-log.ts'
import { createDirectoryLog } from './log/directory-log.ts'
import type { LogKeys } from './log/log-keys.ts'
import type { WitnessReports } from './log/witness-reports.ts'

const SECONDS_PER_DAY = 86_400
/** Services kept ready; beyond it the one made first is made again when it is needed. */
const MAX_OPEN = 1_000
const MAX_CALLERS = 100_000

/**
 * By device, so slow that none fills its user's chain in a day; sign-up and recovery, which no device signs, by
 * application. In each process: a user gets as many turns as there are processes that they reach.
 */
const LIMITS: Readonly<Record<LimitedCall, RateLimit>> = {
  // At once twice the members that one entry brings in: to pin them, and for the key where that took a while. It
  // harvests nothing: names that are not there have a limit of their own, and a day's number is the rate's.
  'look-up': { burst: 2_000, perMinute: 120, maxCallers: MAX_CALLERS },
  // Twice the members that a conversation can have.
  'look-up-known': { burst: 20_000, perMinute: 5_000, maxCallers: MAX_CALLERS },
  append: { burst: 60, perMinute: 1, maxCallers: MAX_CALLERS },
  'sign-up': { burst: 300, perMinute: 300 },
  recovery: { burst: 60, perMinute: 60 },
}

/** The directory of one application, with the keys that its log has. */
export interface OpenDirectory {
  readonly keys: LogKeys
  readonly service: DirectoryService
}

/** The directories of all applications. */
export interface Directories {
  readonly log: DirectoryLog
  /** What signs requests. */
  readonly devices: Pick<DeviceCache, 'find'>
  /** @throws KeyhavenError `NOT_FOUND` if the application has none yet. */
  open(applicationId: string): Promise<OpenDirectory>
  /** Makes it at its first use. @throws KeyhavenError `NOT_FOUND`: no such application. */
  ensure(applicationId: string): Promise<OpenDirectory>
  close(): Promise<void>
}

export interface DirectoriesOptions {
  readonly state: State
  readonly clock: () => number
  readonly onError: (error: unknown) => void
  readonly witnessReports?: WitnessReports
  /** Whether one user has the other's name already: then look-ups beyond the limit go on. */
  readonly knows?: (applicationId: string, username: string, other: string) => Promise<boolean>
}

/** Brings the log's files up to the database, as after a crash between commit and writing. */
export async function openDirectories(options: DirectoriesOptions): Promise<Directories> {
  const directories = createDirectories(options)
  // A server whose disk is full shall still answer what needs no log.
  await directories.log.files.catchUpAll().catch(options.onError)
  return directories
}

function createDirectories(options: DirectoriesOptions): Directories {
  const { state, clock, onError, witnessReports, knows } = options
  const { directory: config } = state.config
  const log = createDirectoryLog(state, clock, onError, witnessReports)
  const signUp = createIdTokenVerifier(config.oidc)
  const settings: DirectorySettings = {
    profiles: ['x-wing', 'x25519', 'rsa3072', ...(config.legacyProfile ? (['rsa1024-legacy'] as const) : [])],
    renewalGraceSeconds: config.renewalGraceDays * SECONDS_PER_DAY,
  }
  const limiters = {
    'look-up': createRateLimiter(LIMITS['look-up'], clock),
    'look-up-known': createRateLimiter(LIMITS['look-up-known'], clock),
    append: createRateLimiter(LIMITS.append, clock),
    'sign-up': createRateLimiter(LIMITS['sign-up'], clock),
    recovery: createRateLimiter(LIMITS.recovery, clock),
  }
  const opened = new Map<string, OpenDirectory>()

  async function serviceOf(applicationId: string, keys: LogKeys): Promise<OpenDirectory> {
    const present = opened.get(applicationId)
    if (present?.keys === keys) return present
    // Loaded at the first use: a server without a directory starts without it.
    const { createDirectoryService } = await import('@keyhaven/directory/service')
    const service = createDirectoryService<StoredDirectoryTransaction>({
      application: applicationId,
      backend,
      store: createDirectoryStore({
        state,
        applicationId,
        afterAppend: () => log.files.catchUp(applicationId),
      }),
      log: appenderOf(log, applicationId, keys),
      authority: keys.authority,
      vrf: keys.label,
      signUp,
      limits: { take: (call, key) => limiters[call].take(`${applicationId} ${key}`) === 0 },
      ...(knows && { knows: ({ username }, other) => knows(applicationId, username, other) }),
      clock,
      settings,
    })
    const made = { keys, service }
    opened.delete(applicationId)
    opened.set(applicationId, made)
    if (opened.size > MAX_OPEN) opened.delete(opened.keys().next().value!)
    return made
  }

  const open = async (applicationId: string): Promise<OpenDirectory> =>
    serviceOf(applicationId, await log.keys(applicationId))
  const devices = createDeviceCache({
    changes: state.changes,
    load: async (applicationId, device) => (await open(applicationId)).service.findDevice(device),
    clock,
  })

  return {
    log,
    devices,
    open,
    ensure: async (applicationId) => serviceOf(applicationId, await log.ensure(applicationId)),
    close() {
      devices.close()
      return log.close()
    },
  }
}

function appenderOf(
  log: DirectoryLog,
  applicationId: string,
  keys: LogKeys,
): LogAppender<StoredDirectoryTransaction> {
  return {
    append: (transaction, leaf) => log.append(transaction.state, applicationId, keys, [leaf]),
    async checkpoint(minimumSize) {
      const { note, size } = await log.checkpoint(applicationId, minimumSize)
      return { checkpoint: note, size }
    },
    inclusionProof: (index, size) => log.inclusionProof(applicationId, index, size),
    consistencyProof: (from, to) => log.consistencyProof(applicationId, from, to),
    async parameters() {
      const [leaf] = await log.leaves(applicationId, 0, 1)
      if (leaf === undefined) throw new KeyhavenError('NOT_FOUND', 'the application has no directory')
      return leaf
    },
  }
}
