import type { Awaitable } from '@keyhaven/crypto'
import type { DeviceState } from '@keyhaven/directory'
import type { ReadableKey } from '../membership/read-permission.ts'
import type {
  Caller,
  ConversationAuditEntry,
  KeyRequest,
  ReleaseFacts,
  ReleaseQuestion,
  StoredConversation,
  StoredDeviceFacts,
  StoredEntry,
  StoredExport,
  StoredKey,
  StoredReceipt,
  StoredRecipient,
  StoredSecret,
  StoredShare,
  StoredStay,
} from './stored-rows.ts'

/** What can be asked inside and outside of a transaction. */
export interface ConversationReads {
  findConversation(application: string, id: string): Promise<StoredConversation | undefined>
  /** In order, those after `after`; the first `limit` of them. */
  entries(application: string, id: string, after: number, limit?: number): Promise<readonly StoredEntry[]>
  /** The newest entry up to this one that has set the mode. */
  modeEntry(application: string, id: string, sequence: number): Promise<string | undefined>
  /** All of one user in one conversation, oldest first. */
  stays(application: string, id: string, username: string): Promise<readonly StoredStay[]>
  /** The user's own conversations, by id: those he is in, or was. */
  conversationsOf(
    application: string,
    username: string,
    after: string,
    limit: number,
  ): Promise<readonly { readonly conversation: StoredConversation; readonly stay: StoredStay }[]>
  findKey(application: string, id: string): Promise<StoredKey | undefined>
  /** Oldest first. */
  keysOf(application: string, conversation: string): Promise<readonly StoredKey[]>
  recipients(
    application: string,
    key: string,
    after: string,
    limit: number,
  ): Promise<readonly StoredRecipient[]>
  receipts(
    application: string,
    conversation: string,
    after: number,
    limit: number,
  ): Promise<readonly StoredReceipt[]>
  findDevice(application: string, device: string): Promise<StoredDeviceFacts | undefined>
  /**
   * When a device of a present member last ended, and when one last came of a member who may not read with
   * new devices what was before. Seconds; 0: never since `since`.
   */
  deviceChanges(
    application: string,
    conversation: string,
    since: number,
    now: number,
  ): Promise<{ readonly leftAt: number; readonly joinedAt: number }>
  /** Dates that rules of the conversation or of present members name. Seconds. */
  ruleDates(application: string, conversation: string): Promise<readonly number[]>
  /** Devices of present members that hold a sealed key. */
  holders(application: string, key: string, now: number): Promise<number>
  /** Requests of others' live devices that this device can answer, oldest first. @param now - seconds. */
  answerable(
    application: string,
    caller: Caller,
    after: { readonly at: number; readonly key: string; readonly device: string },
    limit: number,
    now: number,
  ): Promise<readonly KeyRequest[]>
  findExport(application: string, id: string): Promise<StoredExport | undefined>
}

/** The stores of all applications inside one transaction: all of it happens, or nothing. */
export interface ConversationTransaction extends ConversationReads {
  /** Milliseconds, the same for the whole transaction. */
  readonly now: number
  /**
   * Locks conversations, always in the same order, until the transaction ends: those named, and those of the
   * keys named. What is not there is passed over.
   */
  lock(
    targets: readonly {
      readonly application: string
      readonly conversation?: string
      readonly key?: string
    }[],
  ): Promise<void>
  /** In the order of the questions; undefined: no such key in the application. */
  releaseFacts(questions: readonly ReleaseQuestion[]): Promise<readonly (ReleaseFacts | undefined)[]>
  /** Number of the next receipt of each, in their order. They are locked. */
  nextReceipts(
    conversations: readonly { readonly application: string; readonly conversation: string }[],
  ): Promise<readonly number[]>
  /**
   * Positions in users' chains: the present chain, and the hash of the entry named, if there is such an
   * entry.
   */
  chainPositions(
    application: string,
    users: readonly { readonly username: string; readonly sequence: number }[],
  ): Promise<
    ReadonlyMap<string, { readonly chain: number; readonly head: string; readonly named: string | undefined }>
  >
  devices(application: string, ids: readonly string[]): Promise<ReadonlyMap<string, StoredDeviceFacts>>
  /** @returns false if the id is taken. */
  insertConversation(conversation: StoredConversation): Promise<boolean>
  saveConversation(conversation: StoredConversation): Promise<void>
  /** Inserts, or replaces by user and `from`. */
  saveStays(application: string, id: string, stays: readonly StoredStay[]): Promise<void>
  /** Number of the conversation's next key. */
  nextOrdinal(application: string, conversation: string): Promise<number>
  /** @returns false if the id is taken. */
  insertKey(application: string, key: StoredKey, secret: StoredSecret | null): Promise<boolean>
  /** Removes the device's sealed keys that still wait for recipients, but for the newest `keep`. */
  dropIncomplete(application: string, conversation: string, device: string, keep: number): Promise<void>
  /** Conversations that the user has created since. @param since - milliseconds. */
  countCreated(application: string, username: string, since: number): Promise<number>
  /** The newest key before takes its end; this one counts as complete. */
  makeCurrent(application: string, key: Pick<StoredKey, 'id' | 'conversation'>): Promise<void>
  /** What was the current key is superseded. */
  dropCurrent(application: string, conversation: string): Promise<void>
  /** None of the devices is there already. */
  insertRecipients(application: string, key: string, recipients: readonly StoredRecipient[]): Promise<void>
  placeRecipients(
    application: string,
    key: string,
    places: readonly {
      readonly device: string
      readonly position: number
      readonly proof: readonly string[]
    }[],
  ): Promise<void>
  allRecipients(
    application: string,
    key: string,
  ): Promise<readonly Pick<StoredRecipient, 'username' | 'device' | 'thumbprint'>[]>
  hasRequest(
    application: string,
    key: Pick<StoredKey, 'id' | 'conversation'>,
    device: string,
  ): Promise<boolean>
  insertRequest(application: string, request: KeyRequest): Promise<void>
  countRequests(application: string, conversation: string, device: string): Promise<number>
  findShare(application: string, key: string, device: string): Promise<StoredShare | undefined>
  /** Inserts or replaces, and takes the device's request away. */
  saveShare(
    application: string,
    key: Pick<StoredKey, 'id' | 'conversation'>,
    share: StoredShare,
  ): Promise<void>
  /** Sealed keys that only devices of `leaving` hold among all present members, oldest first. */
  lastHeld(
    application: string,
    conversation: string,
    leaving: string,
    now: number,
  ): Promise<readonly Pick<ReadableKey, 'membership' | 'madeAt'>[]>
  /** Since when present members have their eldest live device that may get a sealed key. Seconds. */
  eldestDevices(application: string, conversation: string, now: number): Promise<ReadonlyMap<string, number>>
  insertExport(application: string, row: StoredExport): Promise<void>
  saveExport(application: string, row: StoredExport): Promise<void>
  /** Managed keys that were in use between two times, with their secrets. */
  exportedKeys(
    application: string,
    row: Pick<StoredExport, 'conversation' | 'from' | 'to'>,
  ): Promise<readonly { readonly key: StoredKey; readonly secret: StoredSecret | null }[]>
  insertEntries(
    rows: readonly {
      readonly application: string
      readonly conversation: string
      readonly entry: StoredEntry
    }[],
  ): Promise<void>
  insertReceipts(rows: readonly StoredReceipt[]): Promise<void>
  /** Adds a leaf to the application's log. @returns its index. */
  appendLeaf(application: string, leaf: Uint8Array): Promise<number>
  audit(entry: ConversationAuditEntry): void
}

export interface ConversationStore {
  /**
   * Runs in one transaction, and again if the database says so. Resolves after the commit is durable, and the
   * anchor knows the logs' new sizes and roots. Whatever `run` throws rolls back.
   */
  transaction<T>(run: (tx: ConversationTransaction) => Promise<T>): Promise<T>
  readonly reads: ConversationReads
}

/** Keeps managed keys' secrets: each opens in its own place only. */
export interface KeyVault {
  /** Stores it, where objects hold it, before the transaction commits. */
  wrap(place: KeyPlace, key: Uint8Array): Promise<StoredSecret>
  /** @returns a fresh copy; the caller overwrites it after use. */
  unwrap(place: KeyPlace, secret: StoredSecret): Awaitable<Uint8Array>
}

export interface KeyPlace {
  readonly application: string
  readonly conversation: string
  readonly key: string
}

/** The application's directory and log. */
export interface ConversationDirectory {
  /** As the directory's service gives it; outside of any transaction. */
  findDevice(
    application: string,
    device: string,
  ): Promise<{ readonly username: string; readonly device: DeviceState } | undefined>
  checkpoint(
    application: string,
    minimumSize: number,
  ): Promise<{ readonly checkpoint: string; readonly size: number }>
  inclusionProof(application: string, index: number, size: number): Promise<readonly Uint8Array[]>
}
