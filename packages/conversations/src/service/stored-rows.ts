import type { ProfileName } from '@keyhaven/directory'
import type { ConversationAlgorithm } from '../key/algorithm.ts'
import type { HistoryRule, Mode, Role, RotationRule } from '../membership/rules.ts'
import type { Commitment } from '../receipt/commitment.ts'

// What the store keeps of conversations, and asks about: as the service reads and writes it.

/** The device whose request signature has been verified. */
export interface Caller {
  readonly username: string
  readonly device: string
}

/** A conversation as of its newest entry. Times: milliseconds. */
export interface StoredConversation {
  readonly application: string
  readonly id: string
  readonly sequence: number
  /** Hash of the newest entry, base64url. */
  readonly head: string
  readonly mode: Mode
  readonly history: HistoryRule
  readonly rotation: RotationRule
  /** Days; null: for ever. */
  readonly retention: number | null
  readonly createdAt: number
  readonly createdBy: string
  readonly changedAt: number
  /** Id of the newest complete key of the present mode. */
  readonly currentKey: string | null
}

export interface StoredEntry {
  readonly sequence: number
  /** Compact JWS. */
  readonly entry: string
  /** SHA-256 of it, base64url. */
  readonly hash: string
  readonly kind: string
  readonly by: Caller
  /** Milliseconds. */
  readonly acceptedAt: number
  readonly commitment: Commitment
}

/** One stay of one member. Sequences of entries; their `issued` in seconds. */
export interface StoredStay {
  readonly username: string
  readonly role: Role
  readonly chain: number
  readonly from: number
  readonly fromAt: number
  readonly to: number | null
  readonly toAt: number | null
  readonly history: HistoryRule
}

/** A key without its secret part. Times: milliseconds. */
export interface StoredKey {
  readonly id: string
  readonly conversation: string
  readonly ordinal: number
  readonly mode: Mode
  readonly algorithm: ConversationAlgorithm
  readonly membership: { readonly sequence: number; readonly head: string }
  readonly createdAt: number
  /** Null: the server. */
  readonly createdBy: Caller | null
  /** Sealed: compact JWS. */
  readonly announcement: string | null
  /** Sealed: of the announcement, base64url. */
  readonly commitment: string | null
  readonly recipients: number
  readonly complete: boolean
  readonly supersededAt: number | null
  readonly erasedAt: number | null
}

/** A managed key's secret, as it rests: under the master key, here or in the object store. */
export type StoredSecret =
  | { readonly in: 'database'; readonly wrapped: Uint8Array; readonly masterKeyId: string }
  | { readonly in: 'objects'; readonly masterKeyId: string }

/** A sealed key, wrapped to one device. */
export interface StoredRecipient {
  readonly username: string
  readonly device: string
  readonly thumbprint: string
  /** Base64url. */
  readonly wrapped: string
  /** Place in the announcement's tree, and inclusion proof; null until all recipients are there. */
  readonly position: number | null
  readonly proof: readonly string[] | null
}

export interface StoredShare {
  readonly username: string
  readonly device: string
  /** Compact JWS. */
  readonly share: string
  readonly wrapped: string
  readonly sharedAt: number
}

/** A device in the directory, as the transaction sees it. Times: seconds. */
export interface StoredDeviceFacts {
  readonly username: string
  readonly device: string
  readonly chain: number
  readonly profile: ProfileName
  readonly since: number
  readonly expires: number
  readonly endedAt: number | null
}

/** What one device asks for. */
export interface ReleaseQuestion extends Caller {
  readonly application: string
  readonly key: string
}

/** All that decides about a release, from one query: nothing can change between its parts. */
export interface ReleaseFacts {
  readonly key: StoredKey
  readonly secret: StoredSecret | null
  readonly recipient: Omit<StoredRecipient, 'username' | 'device'> | null
  readonly share: Omit<StoredShare, 'username' | 'device'> | null
  /** The asking user's stays, oldest first; none: a stranger. */
  readonly stays: readonly StoredStay[]
  /** Undefined: there is no such device of the user. */
  readonly device: StoredDeviceFacts | undefined
}

/** A receipt as it is stored: the item's bytes are committed to. */
export interface StoredReceipt {
  readonly application: string
  readonly conversation: string
  readonly sequence: number
  readonly item: string
  readonly commitment: Commitment
}

export interface ConversationAuditEntry {
  readonly application: string
  readonly actor: string
  readonly action:
    | 'conversation.create'
    | 'conversation.change'
    | 'conversation.rotate'
    | 'conversation.release'
    | 'conversation.file'
    | 'conversation.share'
    | 'conversation.refuse'
    | 'conversation.erase'
    | 'conversation.export.request'
    | 'conversation.export.approve'
    | 'conversation.export.download'
  /** Of a conversation, a key or a file. */
  readonly subject: string
  readonly detail: Readonly<Record<string, string | number | null>>
}

export interface KeyRequest extends Caller {
  readonly conversation: string
  readonly key: string
  /** Milliseconds. */
  readonly requestedAt: number
}

export interface StoredExport {
  readonly id: string
  readonly conversation: string
  readonly reason: string
  /** Milliseconds; null: without end. */
  readonly from: number | null
  readonly to: number | null
  readonly requestedBy: string
  readonly requestedAt: number
  readonly approvedBy: string | null
  readonly approvedAt: number | null
  readonly downloadedAt: number | null
}
