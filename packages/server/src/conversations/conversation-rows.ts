import type { Commitment } from '@keyhaven/conversations'
import type {
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
} from '@keyhaven/conversations/service'
import type { DirectoryDevicesTable } from '../directory/tables.ts'
import type {
  CommitmentColumns,
  ConversationEntriesTable,
  ConversationExportsTable,
  ConversationKeysTable,
  ConversationMembersTable,
  ConversationReceiptsTable,
  ConversationRecipientsTable,
  ConversationSharesTable,
  ConversationsTable,
} from './tables.ts'

// The entries count seconds, the database milliseconds.
const MS_PER_SECOND = 1_000
const PROOF_SEPARATOR = '.'

const toMs = (seconds: number): number => seconds * MS_PER_SECOND
const toSeconds = (ms: number): number => Math.floor(ms / MS_PER_SECOND)
const base64url = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64url')
const bytesOf = (text: string): Uint8Array => Buffer.from(text, 'base64url')

export const joinProof = (hashes: readonly string[]): string => hashes.join(PROOF_SEPARATOR)
export const splitProof = (text: string): string[] => (text === '' ? [] : text.split(PROOF_SEPARATOR))

export function toConversationRow(conversation: StoredConversation): ConversationsTable {
  return {
    application_id: conversation.application,
    id: conversation.id,
    sequence: conversation.sequence,
    head: bytesOf(conversation.head),
    mode: conversation.mode,
    history: JSON.stringify(conversation.history),
    rotation: JSON.stringify(conversation.rotation),
    retention_days: conversation.retention,
    created_at: conversation.createdAt,
    created_by: conversation.createdBy,
    changed_at: conversation.changedAt,
    current_key: conversation.currentKey,
  }
}

export function fromConversationRow(row: ConversationsTable): StoredConversation {
  return {
    application: row.application_id,
    id: row.id,
    sequence: row.sequence,
    head: base64url(row.head),
    mode: row.mode as StoredConversation['mode'],
    history: JSON.parse(row.history),
    rotation: JSON.parse(row.rotation),
    retention: row.retention_days,
    createdAt: row.created_at,
    createdBy: row.created_by,
    changedAt: row.changed_at,
    currentKey: row.current_key,
  }
}

function fromCommitmentColumns(row: CommitmentColumns): Commitment {
  return {
    opening: row.opening,
    batchIndex: row.batch_index,
    batchSize: row.batch_size,
    batchProof: splitProof(row.batch_proof),
    logIndex: row.log_index,
  }
}

export function fromEntryRow(row: ConversationEntriesTable): StoredEntry {
  return {
    sequence: row.sequence,
    entry: row.entry,
    hash: base64url(row.entry_hash),
    kind: row.kind,
    by: { username: row.username, device: row.device },
    acceptedAt: row.accepted_at,
    commitment: fromCommitmentColumns(row),
  }
}

export const ENTRY_COLUMNS = [
  'application_id',
  'conversation',
  'sequence',
  'entry',
  'entry_hash',
  'kind',
  'username',
  'device',
  'accepted_at',
  'opening',
  'batch_index',
  'batch_size',
  'batch_proof',
  'log_index',
] as const

/** In the order of {@link ENTRY_COLUMNS}. */
export function toEntryValues(application: string, conversation: string, entry: StoredEntry): unknown[] {
  const { sequence, kind, by, acceptedAt, commitment } = entry
  return [
    ...[application, conversation, sequence, entry.entry, bytesOf(entry.hash)],
    ...[kind, by.username, by.device, acceptedAt],
    ...commitmentValues(commitment),
  ]
}

export const RECEIPT_COLUMNS = [
  'application_id',
  'conversation',
  'sequence',
  'item',
  'opening',
  'batch_index',
  'batch_size',
  'batch_proof',
  'log_index',
] as const

/** In the order of {@link RECEIPT_COLUMNS}. */
export function toReceiptValues(receipt: StoredReceipt): unknown[] {
  const { application, conversation, sequence, item, commitment } = receipt
  return [application, conversation, sequence, item, ...commitmentValues(commitment)]
}

function commitmentValues({ opening, batchIndex, batchSize, batchProof, logIndex }: Commitment): unknown[] {
  return [opening, batchIndex, batchSize, joinProof(batchProof), logIndex]
}

export function fromReceiptRow(row: ConversationReceiptsTable): StoredReceipt {
  return {
    application: row.application_id,
    conversation: row.conversation,
    sequence: row.sequence,
    item: row.item,
    commitment: fromCommitmentColumns(row),
  }
}

export const STAY_COLUMNS = [
  'application_id',
  'conversation',
  'username',
  'from_sequence',
  'from_at',
  'to_sequence',
  'to_at',
  'role',
  'chain',
  'history',
] as const

/** In the order of {@link STAY_COLUMNS}. */
export function toStayValues(application: string, conversation: string, stay: StoredStay): unknown[] {
  return [
    ...[application, conversation, stay.username, stay.from, toMs(stay.fromAt), stay.to],
    ...[stay.toAt === null ? null : toMs(stay.toAt), stay.role, stay.chain, JSON.stringify(stay.history)],
  ]
}

export function fromStayRow(
  row: Omit<ConversationMembersTable, 'application_id' | 'conversation'>,
): StoredStay {
  return {
    username: row.username,
    role: row.role as StoredStay['role'],
    chain: row.chain,
    from: row.from_sequence,
    fromAt: toSeconds(row.from_at),
    to: row.to_sequence,
    toAt: row.to_at === null ? null : toSeconds(row.to_at),
    history: JSON.parse(row.history),
  }
}

export function toKeyRow(
  application: string,
  key: StoredKey,
  secret: StoredSecret | null,
): ConversationKeysTable {
  return {
    application_id: application,
    id: key.id,
    conversation: key.conversation,
    ordinal: key.ordinal,
    mode: key.mode,
    algorithm: key.algorithm,
    membership: key.membership.sequence,
    membership_head: bytesOf(key.membership.head),
    created_at: key.createdAt,
    username: key.createdBy?.username ?? null,
    device: key.createdBy?.device ?? null,
    wrapped_key: secret?.in === 'database' ? secret.wrapped : null,
    master_key_id: secret?.masterKeyId ?? null,
    stored_in: secret?.in ?? null,
    announcement: key.announcement,
    commitment: key.commitment === null ? null : bytesOf(key.commitment),
    recipients: key.recipients,
    complete: key.complete ? 1 : 0,
    superseded_at: key.supersededAt,
    erased_at: key.erasedAt,
  }
}

export function fromKeyRow(row: Omit<ConversationKeysTable, 'application_id'>): StoredKey {
  return {
    id: row.id,
    conversation: row.conversation,
    ordinal: row.ordinal,
    mode: row.mode as StoredKey['mode'],
    algorithm: row.algorithm as StoredKey['algorithm'],
    membership: { sequence: row.membership, head: base64url(row.membership_head) },
    createdAt: row.created_at,
    createdBy: row.username === null ? null : { username: row.username, device: String(row.device) },
    announcement: row.announcement,
    commitment: row.commitment && base64url(row.commitment),
    recipients: row.recipients,
    complete: row.complete === 1,
    supersededAt: row.superseded_at,
    erasedAt: row.erased_at,
  }
}

export function fromSecretColumns(
  row: Pick<ConversationKeysTable, 'wrapped_key' | 'master_key_id' | 'stored_in'>,
): StoredSecret | null {
  if (row.master_key_id === null) return null
  if (row.stored_in === 'objects') return { in: 'objects', masterKeyId: row.master_key_id }
  return { in: 'database', wrapped: new Uint8Array(row.wrapped_key!), masterKeyId: row.master_key_id }
}

export const RECIPIENT_COLUMNS = [
  'application_id',
  'key_id',
  'device',
  'username',
  'thumbprint',
  'wrapped',
  'position',
  'proof',
] as const

/** In the order of {@link RECIPIENT_COLUMNS}. */
export function toRecipientValues(application: string, key: string, recipient: StoredRecipient): unknown[] {
  const { device, username, thumbprint, wrapped, position, proof } = recipient
  return [application, key, device, username, thumbprint, wrapped, position, proof && joinProof(proof)]
}

export function fromRecipientRow(
  row: Omit<ConversationRecipientsTable, 'application_id' | 'key_id'>,
): StoredRecipient {
  const { device, username, thumbprint, wrapped, position, proof } = row
  return { device, username, thumbprint, wrapped, position, proof: proof === null ? null : splitProof(proof) }
}

export function fromShareRow(row: ConversationSharesTable): StoredShare {
  const { device, username, share, wrapped, shared_at } = row
  return { device, username, share, wrapped, sharedAt: shared_at }
}

type DeviceColumns = Pick<
  DirectoryDevicesTable,
  'username' | 'device' | 'chain' | 'profile' | 'since' | 'expires_at' | 'ended_at'
>

export function fromDeviceColumns(row: DeviceColumns): StoredDeviceFacts {
  return {
    username: row.username,
    device: row.device,
    chain: row.chain,
    profile: row.profile as StoredDeviceFacts['profile'],
    since: toSeconds(row.since),
    expires: toSeconds(row.expires_at),
    endedAt: row.ended_at === null ? null : toSeconds(row.ended_at),
  }
}

export function toExportRow(application: string, row: StoredExport): ConversationExportsTable {
  return {
    application_id: application,
    id: row.id,
    conversation: row.conversation,
    reason: row.reason,
    from_at: row.from,
    to_at: row.to,
    requested_by: row.requestedBy,
    requested_at: row.requestedAt,
    approved_by: row.approvedBy,
    approved_at: row.approvedAt,
    downloaded_at: row.downloadedAt,
  }
}

export function fromExportRow(row: ConversationExportsTable): StoredExport {
  return {
    id: row.id,
    conversation: row.conversation,
    reason: row.reason,
    from: row.from_at,
    to: row.to_at,
    requestedBy: row.requested_by,
    requestedAt: row.requested_at,
    approvedBy: row.approved_by,
    approvedAt: row.approved_at,
    downloadedAt: row.downloaded_at,
  }
}
