import { type ErrorCode, KeyhavenError } from '@keyhaven/crypto'
import { type ContactTrust, type Decrypted, type Encrypted, MessageError } from '@keyhaven/messaging'
import type { History } from './history.ts'
import type { OpenDevice } from './open-device.ts'

/** A message that was decrypted. */
export interface ReceivedMessage {
  /** Empty if bytes were sent. */
  readonly text: string
  readonly bytes: Uint8Array
  /** Who sent it. */
  readonly from: string
  /** Which of their devices. */
  readonly device: string
  /** By the sender's clock. */
  readonly sentAt: Date
  readonly session: string
  /**
   * `verified`: safety numbers were compared, and nothing has changed outside the sender's chain since. `reset`: the
   * sender lost all devices and started anew, and nobody here has accepted that: ask them. Else `known`.
   */
  readonly trust: ContactTrust
  /** `trust` is `verified`. */
  readonly verified: boolean
  /** Set on the answer to a repair: these messages can be decrypted now. Such an answer has no content. */
  readonly repaired?: Decrypted['repaired']
}

/** Strings in, strings out: they travel by any transport. */
export interface Messages {
  /**
   * Encrypts to every device of one person, and to one's own other devices. A device that cannot be written to does
   * not hold up the rest: `leftOut` names it, and says why. For several people, encrypt to each apart.
   *
   * @throws KeyhavenError with the reason if nobody is left to write to.
   */
  encrypt(
    to: string,
    content: string | Uint8Array,
    options?: { readonly newSession?: boolean },
  ): Promise<Encrypted>
  /** @throws MessageError: `code` says why, `advice` what a person can do, `repair()` does what a program can do. */
  decrypt(envelope: string): Promise<ReceivedMessage>
  /**
   * Reads a message again, or one from before this device was: by the history that it was handed.
   *
   * @throws MessageError `HISTORY_UNAVAILABLE` if the history does not have it.
   */
  readAgain(envelope: string): Promise<ReceivedMessage>
  /** Answers the repair request of another device, for a transport of one's own: the mailbox does so by itself. */
  answerRepair(request: string): Promise<{ readonly to: string; readonly envelope: string }>
  /** The next message to this person opens a new session. */
  renewSession(to: string): void
  /** Nothing more can be opened under this session. */
  endSession(session: string): Promise<void>
}

/** Of failures that another try may not have. */
const PASSING_CODES: readonly ErrorCode[] = [
  'DIRECTORY_STALE',
  'KEY_NOT_YET_VALID',
  'RATE_LIMITED',
  'STORE_UNAVAILABLE',
]

export interface MessagesContext {
  readonly upkeep: { touch(): void; ready(): Promise<void> }
  /** Told of each envelope that was decrypted, or never can be. */
  readonly read: (envelope: string) => void
}

export function createMessages(
  { messenger }: OpenDevice,
  history: History,
  { upkeep, read }: MessagesContext,
): Messages {
  async function decrypt(envelope: string): Promise<ReceivedMessage> {
    try {
      const message = received(await messenger.decrypt(envelope))
      read(envelope)
      return message
    } catch (error) {
      if (error instanceof MessageError && !PASSING_CODES.includes(error.code)) read(envelope)
      throw error
    }
  }

  async function readAgain(envelope: string): Promise<ReceivedMessage> {
    try {
      return received(await messenger.decryptArchived(envelope))
    } catch (error) {
      if (!(error instanceof KeyhavenError) || error.code !== 'HISTORY_UNAVAILABLE') throw error
      // Another device may have handed it over meanwhile, and another call taken it just now.
      await history.receive()
      return received(await messenger.decryptArchived(envelope))
    }
  }

  return {
    async encrypt(to, content, options) {
      await upkeep.ready()
      return messenger.encrypt(to, content, options)
    },
    decrypt(envelope) {
      upkeep.touch()
      return decrypt(envelope)
    },
    readAgain,
    async answerRepair(request) {
      const { to, envelope } = await messenger.answerRepair(request)
      return { to: to.username, envelope }
    },
    renewSession: (to) => messenger.renewSession(to),
    endSession: (session) => messenger.endSession(session),
  }
}

function received({
  bytes,
  text,
  from,
  sentAt,
  session,
  trust,
  verified,
  repaired,
}: Decrypted): ReceivedMessage {
  return {
    text: text ?? '',
    bytes,
    from: from.username,
    device: from.device,
    sentAt,
    session,
    trust,
    verified,
    ...(repaired && { repaired }),
  }
}
