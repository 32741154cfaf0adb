import type { ErrorCode } from '@keyhaven/crypto'
import type { ConversationFiles } from '../files/conversation-files.ts'
import type { MembershipHead } from '../key/announcement.ts'
import type { MembershipChange } from '../membership/membership-change.ts'
import type { HistoryRule, Mode, Role, RotationRule } from '../membership/rules.ts'
import type { FileContent } from '../message/file-content.ts'
import type { ContentKind } from '../message/frame.ts'
import type { Receipt } from '../receipt/receipt.ts'

/** Rules of a conversation, as far as they are not the default. */
export interface ConversationRules {
  /** @defaultValue `{ members: 'joined', devices: 'all' }` */
  readonly history?: HistoryRule
  /** @defaultValue `{ maxAge: null, maxMessages: null }` */
  readonly rotation?: RotationRule
  /** Days; null: for ever. @defaultValue null */
  readonly retention?: number | null
}

export interface CreateOptions extends ConversationRules {
  /** The others; who creates it is an owner. */
  readonly members: Readonly<Record<string, Role>>
  /** @defaultValue `sealed` */
  readonly mode?: Mode
}

/** Somebody, or one device, that a key was not made for, and what to do. */
export interface KeyLeftOut {
  readonly username: string
  /** Left out: all of them. */
  readonly device?: string
  readonly code: ErrorCode
  readonly advice: string
}

/** A message on its way out: hand `keyId` (the `objectid`) and `packet` to any transport. */
export interface EncryptedMessage {
  readonly keyId: string
  /** Base64 with padding. */
  readonly packet: string
  /** Of the message: 16 random bytes, base64url. */
  readonly id: string
  /** Sealed: who cannot open it until a device hands the key on. */
  readonly leftOut: readonly KeyLeftOut[]
}

/** A message that was opened, and whose sender is proven. */
export interface ConversationMessage {
  readonly conversation: string
  readonly id: string
  readonly from: { readonly username: string; readonly device: string }
  /** By the sender's clock. */
  readonly time: Date
  readonly kind: ContentKind
  /** Of kind `text`. */
  readonly text?: string
  /** Of kind `file`. */
  readonly file?: FileContent
  /** Of kind `bytes`. */
  readonly bytes?: Uint8Array
  readonly keyId: string
  /** What the sender knew of the membership: part of the own, verified one. */
  readonly membership: MembershipHead
}

/** A member as the verified membership has him. */
export interface ConversationMember {
  readonly username: string
  readonly role: Role
  /** Seconds since the epoch. */
  readonly since: number
  /** Of the directory: the chain that is accepted here. */
  readonly chain: number
}

/** A verified change of the membership, for people to see. */
export interface ConversationChange {
  readonly sequence: number
  /** Hash of the entry, base64url. */
  readonly head: string
  readonly by: { readonly username: string; readonly device: string }
  /** By the clock of who signed it. */
  readonly time: Date
  readonly change: MembershipChange
}

/** What the list says; of a conversation that was never opened here, nothing of it is verified. */
export interface ConversationSummary {
  readonly conversation: string
  readonly mode: Mode
  /** Null: a member no more. */
  readonly role: Role | null
  readonly changedAt: Date
  /** By the signed membership that this device knows, rather than by the server's word. */
  readonly verified: boolean
}

/** A receipt that is proven to be in the log. */
export interface VerifiedReceipt extends Receipt {
  readonly logIndex: number
}

/** A device that a sealed key was made for. */
export interface KeyHolder {
  readonly username: string
  readonly device: string
  readonly thumbprint: string
}

/** Told as soon as this device knows. What it throws goes nowhere. */
export type ConversationEvent =
  | { readonly type: 'changed'; readonly conversation: string; readonly change: ConversationChange }
  | { readonly type: 'forked'; readonly conversation: string }

/**
 * Conversations of one device. Every failure is a KeyhavenError whose message says what to do:
 *
 * | code | what it means, what to do |
 * | --- | --- |
 * | `NOT_FOUND` | there is no such conversation or key, or one is no member of it |
 * | `ACCESS_DENIED` | `reason` says why: not a writer, removed, joined later, reset |
 * | `KEY_PENDING` | asked for the key: decrypt again when another device has handed it on |
 * | `MEMBERSHIP_FORKED` | two histories: nothing is sent until `refresh({ afterFork: true })` finds one |
 * | `GATEWAY_UNAVAILABLE` | no answer came: look at the network, try again |
 * | `DIRECTORY_STALE` | the server shows less than it has shown before: try again, then report it |
 * | `CHAIN_RESET` | a member lost all devices: ask the person, then `acceptChain` |
 * | `LAST_HOLDER` | keys would be lost: share them first, or pass `acceptLoss` |
 * | `DUPLICATE` | read before: from an archive, pass `archive: true` |
 * | `SIGNATURE_INVALID`, `RECORD_INVALID`, `OPEN_FAILED`, `SENDER_REVOKED` | do not rely on it |
 * | `PROOF_INVALID`, `LOG_INCONSISTENT` | what the log should show is not there: stop, report it |
 */
export interface Conversations {
  create(options: CreateOptions): Promise<Conversation>
  /**
   * Verifies the whole membership the first time; later what is new since. Works offline once it was opened.
   */
  open(id: string): Promise<Conversation>
  /** The own ones, those that one was removed from included. */
  list(): AsyncIterable<ConversationSummary>
  /**
   * Opens what came with an `objectid`, by any transport. A known key needs no call.
   *
   * @param packet - bytes, or base64.
   * @param options.from - whom the transport names as the sender, if it knows.
   * @param options.archive - the message may have been read before, as this very packet.
   */
  decrypt(
    keyId: string,
    packet: Uint8Array | string,
    options?: { readonly from?: string; readonly archive?: boolean },
  ): Promise<ConversationMessage>
  /** Hands sealed keys to devices that wait for them and may have them. @returns how many. */
  answerKeyRequests(): Promise<number>
}

export interface Conversation {
  readonly id: string
  /** As the members have signed it. */
  readonly mode: Mode
  readonly history: HistoryRule
  readonly rotation: RotationRule
  /** Days; null: for ever. */
  readonly retention: number | null
  /** The newest verified entry: to compare with another member, beside the conversation. */
  readonly head: MembershipHead
  /** Two histories were met: nothing is sent. */
  readonly forked: boolean
  /** Files, encrypted before they leave the device. What `upload` gives is sent with {@link encrypt}. */
  readonly files: ConversationFiles
  members(): readonly ConversationMember[]
  /** The own role; undefined: a member no more. */
  me(): Role | undefined
  /** Under the current key, or a new one if that is due. */
  encrypt(content: string | FileContent | Uint8Array): Promise<EncryptedMessage>
  /** Makes a new key now, such as when the chat is opened. @returns its id. */
  rotate(): Promise<string>
  /** @param options.history - for them, in place of the conversation's rule. */
  add(members: Readonly<Record<string, Role>>, options?: { readonly history?: HistoryRule }): Promise<void>
  /** @throws KeyhavenError `LAST_HOLDER` if nobody else holds some of the keys, unless `acceptLoss`. */
  remove(
    username: string,
    options?: { readonly reason?: string; readonly acceptLoss?: boolean },
  ): Promise<void>
  /** Throws as {@link remove}. */
  leave(options?: { readonly acceptLoss?: boolean }): Promise<void>
  setRole(username: string, role: Role): Promise<void>
  setRules(rules: ConversationRules): Promise<void>
  /** By an owner. No key is carried over. */
  setMode(mode: Mode): Promise<void>
  /**
   * Signs in the chain that a member has after a reset. Ask the person first. An owner may; an admin for
   * members and readers.
   */
  acceptChain(username: string): Promise<void>
  /** All changes that happened, oldest first. @param after - only those behind this sequence. */
  changes(after?: number): AsyncIterable<ConversationChange>
  /**
   * Who was given which key or file, by which rule; each proven to be in the log.
   *
   * @param after - only those behind this sequence.
   * @throws KeyhavenError `PROOF_INVALID`, `LOG_INCONSISTENT` if one is missing, or another than before.
   */
  receipts(after?: number): AsyncIterable<VerifiedReceipt>
  /**
   * All devices that a sealed key was made for, proven to be all; for who looks for one that does not belong.
   */
  holders(keyId: string): Promise<readonly KeyHolder[]>
  /**
   * @param options.afterFork - compares everything from the first entry on, and sends again if there is one
   * history.
   */
  refresh(options?: { readonly afterFork?: boolean }): Promise<void>
}
