import type { CryptoBackend } from '@keyhaven/crypto'
import type { DeviceKeys } from '@keyhaven/messaging'
import type { ConversationApi } from './client-options.ts'
import type { ConversationEvent } from './conversations.ts'
import type { LogChecks } from './log-checks.ts'
import type { Memory } from './memory.ts'
import type { People } from './people.ts'

/** What the parts of one client share. */
export interface ClientContext {
  readonly application: string
  readonly me: DeviceKeys
  readonly api: ConversationApi
  readonly memory: Memory
  readonly people: People
  readonly log: LogChecks
  readonly backend: CryptoBackend
  /** Milliseconds since the epoch. */
  readonly clock: () => number
  /** Seconds since the epoch. */
  readonly now: () => number
  readonly tell: (event: ConversationEvent) => void
}
