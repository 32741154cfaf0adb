import type { CryptoBackend } from '@keyhaven/crypto'
import type { DeviceKeys } from '../device/device-keys.ts'
import type { MessagingDirectory } from '../directory-port.ts'
import type { Archive } from '../history/archive.ts'
import type { Acknowledgements } from '../session/acknowledgements.ts'
import type { MessagingStore } from '../store/messaging-store.ts'
import type { MessengerSettings } from './messenger.ts'
import type { People } from './people.ts'

/** What the parts of one messenger share. */
export interface Context {
  readonly application: string
  readonly me: DeviceKeys
  readonly directory: MessagingDirectory
  readonly people: People
  readonly store: MessagingStore
  readonly archive: Archive
  readonly acknowledgements: Acknowledgements
  readonly backend: CryptoBackend
  readonly settings: MessengerSettings
  /** Milliseconds since epoch. */
  readonly clock: () => number
  /** Seconds since epoch. */
  readonly now: () => number
}

export const DEFAULT_SETTINGS: MessengerSettings = {
  maxSessionMessages: 1_000,
  maxSessionSeconds: 86_400,
  lookUpSeconds: 60,
  skewSeconds: 120,
  archive: true,
  allowLegacy: false,
}
