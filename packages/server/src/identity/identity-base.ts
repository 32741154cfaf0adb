import type { Config, IdentityConfig } from '../platform/config/config.ts'
import type { Logger } from '../platform/log/logger.ts'
import type { MetricsRegistry } from '../platform/metrics/registry.ts'
import type { ObjectStore } from '../platform/objects/object-store.ts'
import type { State } from '../platform/state/state.ts'
import type { ServerParts } from '../server-parts.ts'

/** What the folders of the identity capability build their stores and services from. */
export interface IdentityBase {
  /** What the process is. */
  readonly role: IdentityConfig['role']
  readonly profile: IdentityConfig['profile']
  /** Whose people, partners and keys are served: MOSIP's paths name no tenant. */
  readonly applicationId: string
  readonly config: Config
  readonly identity: IdentityConfig
  readonly clock: () => number
  readonly logger: Logger
  readonly metrics: MetricsRegistry
  readonly state: State
  readonly objects: ObjectStore
  /** Whether this process does what no call asks for: jobs, renewals, pruning. */
  readonly schedule: boolean
  /** Where others reach the identity listener, without a slash at the end. Known once it listens. */
  url(): string
  /** Runs `task` every `ms`, if this process is the one that does such work; a failure is logged. */
  every(ms: number, what: string, task: () => Promise<unknown>): void
  /** What is to be done before the process ends; the last added runs first. */
  onClose(work: () => Promise<void> | void): void
}

export interface OpenedBase {
  readonly base: IdentityBase
  listening(url: string): void
  close(): Promise<void>
}

/** @param applicationId - the default application. */
export function openIdentityBase(
  parts: ServerParts,
  identity: IdentityConfig,
  applicationId: string,
  schedule: boolean,
): OpenedBase {
  const { config, clock, logger, metrics, state, objects } = parts
  let url = identity.url ?? ''
  const timers: NodeJS.Timeout[] = []
  const closers: (() => Promise<void> | void)[] = []
  return {
    base: {
      ...{ role: identity.role, profile: identity.profile, applicationId, config, identity },
      ...{ clock, logger, metrics, state, objects, schedule },
      url: () => url,
      every(ms, what, task) {
        if (!schedule) return
        const run = () => task().catch((error: unknown) => logger.error({ err: error }, what))
        timers.push(setInterval(run, ms).unref())
      },
      onClose: (work) => closers.unshift(work),
    },
    listening(listener) {
      url ||= listener
    },
    async close() {
      for (const timer of timers) clearInterval(timer)
      for (const closer of closers.splice(0)) await closer()
    },
  }
}
