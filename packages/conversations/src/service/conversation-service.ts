import type { KeyObject } from '../key/key-object.ts'
import type { WrappedRecipient } from '../key/wrapped-key.ts'
import type { RotationReason } from '../membership/rotation-due.ts'
import type { Mode, Role } from '../membership/rules.ts'
import type { Commitment } from '../receipt/commitment.ts'
import type { Receipt } from '../receipt/receipt.ts'
import type { AccessReason } from './refusals.ts'
import type { SealedKeyUpload } from './sealed-key.ts'
import type { Caller, KeyRequest, StoredExport, StoredRecipient } from './stored-rows.ts'

export interface EntryInput {
  /** Compact JWS. */
  readonly entry: string
  /** Sealed: the key for the membership as it is after the entry. */
  readonly key?: SealedKeyUpload
  /** Go on although nobody else holds some of the keys. */
  readonly acceptLoss?: boolean
}

/** A membership entry as it is handed out. */
export interface LoggedEntry {
  readonly entry: string
  /** Seconds since the epoch. */
  readonly acceptedAt: number
  readonly commitment: Commitment
}

/** A receipt as it is handed out: what is committed to are the bytes of `encodeReceipt`. */
export interface LoggedReceipt {
  readonly receipt: Receipt
  readonly commitment: Commitment
}

/** A key that waits for more of its recipients. */
export interface IncompleteKey {
  readonly id: string
  readonly complete: false
}

export interface RefusedKey {
  readonly id: string
  readonly code: string
  readonly permission?: string
  readonly reason?: AccessReason
}

/** Proofs that leaves are in the log at the checkpoint's size, by their index. */
export interface LogProofs {
  /** Signed note. */
  readonly checkpoint: string
  /** Base64url hashes, leaf side first. */
  readonly proofs: Readonly<Record<string, readonly string[]>>
}

export interface ConversationView extends LogProofs {
  readonly entries: readonly LoggedEntry[]
  /** Of the newest entry that the caller may see: for a former member, the one that removed him. */
  readonly sequence: number
  readonly head: string
  readonly mode: Mode
  readonly currentKey: string | null
  readonly rotationDue: RotationReason | null
  /** Sealed: how many devices of present members hold the current key. */
  readonly holders: number | null
  /** Null at the end. */
  readonly nextAfter: number | null
}

export interface ConversationSummary {
  readonly conversation: string
  readonly sequence: number
  readonly head: string
  /** Null: a member no more. */
  readonly role: Role | null
  readonly mode: Mode
  /** Seconds since the epoch. */
  readonly changedAt: number
}

/** What decides about a file, as about a key. */
export interface ReadableFile {
  readonly id: string
  readonly conversation: string
  readonly membership: number
  /** Milliseconds. */
  readonly createdAt: number
}

export interface ExportedKey {
  readonly id: string
  readonly algorithm: string
  readonly membership: { readonly sequence: number; readonly head: string }
  readonly createdAt: number
  /** 32 bytes, base64url. */
  readonly key: string
  readonly receipt: LoggedReceipt
}

/**
 * The conversations of all applications. Every refusal is a `KeyhavenError`: `NOT_FOUND` for a stranger,
 * always the same; AccessRefused for who is or was a member.
 */
export interface ConversationService {
  create(
    application: string,
    caller: Caller,
    input: EntryInput,
  ): Promise<{ readonly entry: LoggedEntry; readonly key: KeyObject | null }>
  /** @throws MembershipConflict; KeyhavenError `LAST_HOLDER` */
  append(
    application: string,
    caller: Caller,
    conversation: string,
    input: EntryInput,
  ): Promise<{ readonly entry: LoggedEntry; readonly key: KeyObject | null }>
  list(
    application: string,
    caller: Caller,
    page: { readonly after: string; readonly limit: number },
  ): Promise<readonly ConversationSummary[]>
  /** @param query.messages - how many were sent under the current key, as far as the caller knows. */
  show(
    application: string,
    caller: Caller,
    conversation: string,
    query: { readonly after: number; readonly messages?: number },
  ): Promise<ConversationView>
  /** A new key: by the server, or the one that a device made. */
  rotate(
    application: string,
    caller: Caller,
    conversation: string,
    upload?: SealedKeyUpload,
  ): Promise<KeyObject | IncompleteKey>
  /** More of the recipients that a key's announcement names. @returns whether they are all there now. */
  addRecipients(
    application: string,
    caller: Caller,
    key: string,
    recipients: readonly WrappedRecipient[],
  ): Promise<{ readonly complete: boolean }>
  recipients(
    application: string,
    caller: Caller,
    key: string,
    page: { readonly after: string; readonly limit: number },
  ): Promise<readonly StoredRecipient[]>
  release(application: string, caller: Caller, key: string): Promise<KeyObject>
  releaseMany(
    application: string,
    caller: Caller,
    keys: readonly string[],
  ): Promise<{ readonly keys: readonly KeyObject[]; readonly refused: readonly RefusedKey[] }>
  requestKey(application: string, caller: Caller, key: string): Promise<void>
  answerable(
    application: string,
    caller: Caller,
    page: {
      readonly after: { readonly at: number; readonly key: string; readonly device: string }
      readonly limit: number
    },
  ): Promise<readonly KeyRequest[]>
  share(
    application: string,
    caller: Caller,
    key: string,
    input: { readonly share: string; readonly wrapped: string },
  ): Promise<void>
  receipts(
    application: string,
    caller: Caller,
    conversation: string,
    page: { readonly after: number; readonly limit: number },
  ): Promise<LogProofs & { readonly items: readonly LoggedReceipt[] }>
  /** Whether the caller may write now. @returns the membership's sequence. */
  mayWrite(
    application: string,
    caller: Caller,
    conversation: string,
  ): Promise<{ readonly membership: number }>
  mayReadFile(application: string, caller: Caller, file: ReadableFile): Promise<{ readonly rule: string }>
  /** Whether the caller is an owner or admin. */
  mayManage(application: string, caller: Caller, conversation: string): Promise<void>
  /** Durable when it returns. Asks for the permission again. */
  recordFileRead(application: string, caller: Caller, file: ReadableFile): Promise<LoggedReceipt>
  /** By an operator; managed conversations only. @returns the new key's id. */
  rotateByOperator(application: string, conversation: string, actor: string): Promise<string>
  requestExport(
    application: string,
    conversation: string,
    input: { readonly reason: string; readonly from: number | null; readonly to: number | null },
    actor: string,
  ): Promise<StoredExport>
  /** @throws KeyhavenError `ACCESS_DENIED` to whoever asked for it, and to who may be the same person. */
  approveExport(application: string, id: string, actor: string): Promise<StoredExport>
  /** Once. The receipts are in the log before it answers. */
  downloadExport(application: string, id: string, actor: string): Promise<readonly ExportedKey[]>
}
