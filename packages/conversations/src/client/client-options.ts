import type { CryptoBackend } from '@keyhaven/crypto'
import type { DeviceKeys, MessagingDirectory, MessagingStore } from '@keyhaven/messaging'
import type { FilesPort } from '../files/files-port.ts'
import type { ConversationEvent } from './conversations.ts'

/** Calls to the key server, sealed and signed by this device. Paths begin with `/v1/`. */
export interface ConversationApi {
  /**
   * @throws KeyhavenError with the server's code, with `permission` and `reason` where it says them;
   * `GATEWAY_UNAVAILABLE` where no answer came, as without a network.
   */
  json(method: string, path: string, body?: object): Promise<Record<string, unknown>>
  /** Where the answer has no body. Throws as {@link json}. */
  call(method: string, path: string, body?: object): Promise<unknown>
}

export interface ConversationsOptions {
  readonly application: string
  readonly me: DeviceKeys
  /** Without a network it throws as {@link ConversationApi}. */
  readonly directory: MessagingDirectory
  /** Of the device: keys and states of conversations lie in it, sealed by it. */
  readonly store: MessagingStore
  readonly api: ConversationApi
  /** Where files are, and calls that carry them. */
  readonly files: Pick<FilesPort, 'server' | 'call'>
  /** Milliseconds since the epoch. @defaultValue `Date.now` */
  readonly clock?: () => number
  /** @defaultValue the backend of this runtime */
  readonly backend?: CryptoBackend
  readonly onEvent?: (event: ConversationEvent) => void
}
