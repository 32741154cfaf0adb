import type { ConversationEvent, Conversations } from '@keyhaven/conversations'
import type { ProfileName } from '@keyhaven/directory'
import { createDeviceConversations } from './conversations.ts'
import { createDevices, type Devices } from './devices.ts'
import { createDirectory, type Directory } from './directory.ts'
import { createHistoryParts, type History } from './history.ts'
import { createMailbox, type Mailbox } from './mailbox.ts'
import { createMessages, type Messages } from './messages.ts'
import type { OpenDevice } from './open-device.ts'
import { createRecovery, type Recovery } from './recovery.ts'
import { type RenewOptions, renewRecord } from './renew-record.ts'
import { Upkeep } from './upkeep.ts'
import { createSafetyNumbers, type SafetyNumbers } from './verification.ts'

/** A user on one device, recorded in the directory. Several tabs or processes may share its store. */
export interface Me {
  readonly username: string
  /** This device's id. */
  readonly device: string
  readonly profile: ProfileName
  readonly messages: Messages
  readonly mailbox: Mailbox
  /** Of two or more people, under keys of the key server, by any transport. */
  readonly conversations: Conversations
  readonly devices: Devices
  readonly directory: Directory
  readonly recovery: Recovery
  readonly history: History
  readonly verification: SafetyNumbers
  /** New keys for this device now. It happens by itself when a third of the record's life is left. */
  renew(options?: RenewOptions): Promise<void>
  /**
   * What runs in the background, now: renewal if it is due, the next encryption key, the backup of the
   * history, keys of conversations handed on.
   */
  upkeep(): Promise<void>
  /**
   * Ends what runs in the background and every `mailbox.subscribe()`, erases keys from memory, and closes a
   * store that was not given open.
   */
  close(): Promise<void>
}

export interface MeOptions {
  /** Told what went wrong in the background, such as a renewal without a network. It is tried again. */
  readonly onError?: (error: unknown) => void
  /** Told of each verified change of a conversation's membership, and of one that has forked. */
  readonly onConversation?: (event: ConversationEvent) => void
}

/** Starts the upkeep, and puts a device's parts together. */
export async function createMe(device: OpenDevice, options: MeOptions = {}): Promise<Me> {
  const { keys, messenger, used } = device
  const parts = createHistoryParts(device)
  const onError = options.onError ?? (() => {})
  const alsoDo = async (): Promise<void> => {
    try {
      await parts.handOvers.keepAll()
    } finally {
      try {
        await parts.history.backUp()
      } finally {
        await conversations.answerKeyRequests()
      }
    }
  }
  const upkeep = new Upkeep({ device, onError, alsoDo })
  const touch = () => upkeep.touch()
  const conversations = createDeviceConversations(device, { upkeep, onEvent: options.onConversation })
  const { mailbox, read, close: closeMailbox } = createMailbox(device, touch)
  await upkeep.start()
  return {
    username: keys.username,
    device: keys.device,
    get profile() {
      return keys.profile
    },
    messages: createMessages(device, parts.history, { upkeep, read }),
    mailbox,
    conversations,
    devices: createDevices(device, parts, touch),
    directory: createDirectory(device),
    recovery: createRecovery(device, parts),
    history: parts.history,
    verification: createSafetyNumbers(device),
    renew: (renewal) => upkeep.alone(() => renewRecord(device, renewal)),
    upkeep: () => upkeep.check(),
    async close() {
      try {
        await closeMailbox()
      } finally {
        await upkeep.stop()
        await messenger.close()
        await used.close()
      }
    },
  }
}
