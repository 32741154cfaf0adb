import type { CryptoBackend, ErrorCode } from '@keyhaven/crypto'
import type { DeviceKeys } from '../device/device-keys.ts'
import type { MessagingDirectory, VerifiedUser } from '../directory-port.ts'
import type { History } from '../history/history.ts'
import type { MessagingStore } from '../store/messaging-store.ts'
import type { Verification } from '../verification/verification.ts'

export interface MessengerSettings {
  /** Messages under one session key. @defaultValue 1,000 */
  readonly maxSessionMessages: number
  /** Life of a session key. @defaultValue 86,400 */
  readonly maxSessionSeconds: number
  /** How long a look-up is relied on. @defaultValue 60 */
  readonly lookUpSeconds: number
  /** How far clocks may differ. @defaultValue 120 */
  readonly skewSeconds: number
  /** Keep message keys, so that old messages can be read again and handed on. @defaultValue true */
  readonly archive: boolean
  /** Both sides must switch `rsa1024-legacy` on by name. @defaultValue false */
  readonly allowLegacy: boolean
}

export interface MessengerOptions {
  readonly application: string
  readonly me: DeviceKeys
  readonly directory: MessagingDirectory
  readonly store: MessagingStore
  /** Milliseconds since epoch. @defaultValue Date.now */
  readonly clock?: () => number
  /** @defaultValue that of the runtime */
  readonly backend?: CryptoBackend
  readonly settings?: Partial<MessengerSettings>
}

export interface DeviceName {
  readonly username: string
  readonly device: string
}

/** Who does not get a message, and what can be done about it. */
export interface LeftOut {
  readonly username: string
  /** Absent: the user as a whole. */
  readonly device?: string
  readonly code: ErrorCode
  readonly advice: string
}

export interface Encrypted {
  /** To send, by any transport, to the recipient, and to one's own other devices. */
  readonly envelope: string
  /** 16 bytes, base64url. */
  readonly session: string
  readonly n: number
  readonly recipients: readonly DeviceName[]
  readonly leftOut: readonly LeftOut[]
}

/** `verified`: compared out of band; `known`: seen before; `reset`: the chain was reset and not accepted yet. */
export type ContactTrust = 'verified' | 'known' | 'reset'

export interface Decrypted {
  readonly bytes: Uint8Array
  /** Undefined if bytes were sent. */
  readonly text: string | undefined
  readonly from: DeviceName
  /** By the sender's clock. */
  readonly sentAt: Date
  readonly session: string
  readonly n: number
  readonly trust: ContactTrust
  readonly verified: boolean
  /** Set on an answer to a repair request: these messages can be decrypted now. Such an answer has no content. */
  readonly repaired?: readonly { readonly session: string; readonly n: number }[]
}

/** What came out of a repair. */
export type Repair =
  /** Send it to the device named, as any message; its answer makes the message readable. */
  | { readonly action: 'send'; readonly to: DeviceName; readonly envelope: string }
  /** Decrypt the same envelope once more. */
  | { readonly action: 'retry' }
  /** Nothing that a program can do. */
  | { readonly action: 'none'; readonly advice: string }

export interface Messenger {
  /**
   * Encrypts to every device of one user and to the sender's other devices. A device that cannot be sent to does
   * not block the rest: see `leftOut`. To one user alone: whoever has a session's key could write in it as its sender.
   *
   * @throws KeyhavenError with the reason if nobody is left to send to; `WIRE_TOO_LARGE`; `KEY_EXPIRED`,
   * `DEVICE_REVOKED`, `CHAIN_RESET` about this device itself.
   */
  encrypt(
    to: string,
    content: string | Uint8Array,
    options?: { readonly newSession?: boolean },
  ): Promise<Encrypted>
  /** @throws MessageError */
  decrypt(envelope: string): Promise<Decrypted>
  /** Reads a message again that this device, or one whose history it has, read or sent. Throws `HISTORY_UNAVAILABLE`. */
  decryptArchived(envelope: string): Promise<Decrypted>
  /**
   * Answers a repair request of another device with an envelope to send back.
   *
   * @throws KeyhavenError `ACCESS_DENIED` for messages not first addressed to it, `CHAIN_RESET`, …
   */
  answerRepair(request: string): Promise<{ readonly to: DeviceName; readonly envelope: string }>
  /** The next message opens a new session. */
  renewSession(to: string): void
  /** Nothing more opens under this session. Its id is kept and refused. */
  endSession(session: string): Promise<void>
  /** Housekeeping, daily: ends old sessions, erases expired private keys and what repairs no longer need. */
  sweep(): Promise<void>
  /**
   * Asks the directory now. Throws as it does; `CHAIN_RESET` for a contact who was reset, until
   * {@link Verification.acceptReset} or `markVerified`.
   */
  lookUp(username: string): Promise<VerifiedUser>
  /** Forget what was looked up: the next use asks the directory. */
  directoryChanged(username: string): void
  readonly history: History
  readonly verification: Verification
  /** Erases what is in memory. The store stays open: whoever opened it closes it. */
  close(): Promise<void>
}
