import { fromBase64url, toBase64url } from '@keyhaven/crypto'
import type {
  StoredDevice,
  StoredEncryptionKey,
  StoredEntry,
  StoredSignUpToken,
  StoredUser,
} from '@keyhaven/directory/service'
import type {
  DirectoryDevicesTable,
  DirectoryEncryptionKeysTable,
  DirectoryEntriesTable,
  DirectoryUsersTable,
  SignUpTokensTable,
} from './tables.ts'

// The directory counts seconds, the database milliseconds.
const MS_PER_SECOND = 1_000

const toMs = (seconds: number): number => seconds * MS_PER_SECOND
const toSeconds = (ms: number): number => Math.floor(ms / MS_PER_SECOND)
const orNull = (value: number | null, convert: (value: number) => number): number | null =>
  value === null ? null : convert(value)

export function toUserRow(applicationId: string, user: StoredUser): DirectoryUsersTable {
  return {
    application_id: applicationId,
    username: user.username,
    chain: user.chain,
    sequence: user.sequence,
    head: fromBase64url(user.head),
    sign_up: user.signUp,
    label_proof: user.labelProof,
    created_at: toMs(user.createdAt),
    changed_at: toMs(user.changedAt),
  }
}

export function fromUserRow(row: DirectoryUsersTable): StoredUser {
  return {
    username: row.username,
    chain: row.chain,
    sequence: row.sequence,
    head: toBase64url(row.head),
    signUp: row.sign_up,
    labelProof: row.label_proof && plainBytes(row.label_proof),
    createdAt: toSeconds(row.created_at),
    changedAt: toSeconds(row.changed_at),
  }
}

export function toEntryRow(
  applicationId: string,
  username: string,
  entry: StoredEntry,
): DirectoryEntriesTable {
  return {
    application_id: applicationId,
    username,
    sequence: entry.sequence,
    entry: Buffer.from(entry.entry, 'latin1'),
    entry_hash: fromBase64url(entry.hash),
    kind: entry.kind,
    acceptance: entry.acceptance,
    log_index: entry.index,
    opening: entry.opening,
    accepted_at: toMs(entry.acceptedAt),
  }
}

export function fromEntryRow(row: DirectoryEntriesTable): StoredEntry {
  return {
    sequence: row.sequence,
    kind: row.kind as StoredEntry['kind'],
    entry: Buffer.from(row.entry).toString('latin1'),
    hash: toBase64url(row.entry_hash),
    acceptance: row.acceptance,
    index: row.log_index,
    opening: plainBytes(row.opening),
    acceptedAt: toSeconds(row.accepted_at),
  }
}

/** @param now - milliseconds. */
export function toDeviceRow(applicationId: string, device: StoredDevice, now: number): DirectoryDevicesTable {
  return {
    application_id: applicationId,
    username: device.username,
    device: device.device,
    chain: device.chain,
    name: device.name,
    profile: device.profile,
    since: toMs(device.since),
    not_before: toMs(device.notBefore),
    expires_at: toMs(device.expires),
    ended_at: orNull(device.endedAt, toMs),
    changed_at: now,
  }
}

export function fromDeviceRow(row: DirectoryDevicesTable): StoredDevice {
  return {
    device: row.device,
    username: row.username,
    chain: row.chain,
    name: row.name,
    profile: row.profile as StoredDevice['profile'],
    since: toSeconds(row.since),
    notBefore: toSeconds(row.not_before),
    expires: toSeconds(row.expires_at),
    endedAt: orNull(row.ended_at, toSeconds),
  }
}

export function toEncryptionKeyRow(
  applicationId: string,
  username: string,
  key: StoredEncryptionKey,
): DirectoryEncryptionKeysTable {
  return {
    application_id: applicationId,
    username,
    device: key.device,
    statement: key.statement,
    not_before: toMs(key.notBefore),
    expires_at: toMs(key.expires),
  }
}

export function fromEncryptionKeyRow(row: DirectoryEncryptionKeysTable): StoredEncryptionKey {
  return {
    device: row.device,
    statement: row.statement,
    notBefore: toSeconds(row.not_before),
    expires: toSeconds(row.expires_at),
  }
}

export function toSignUpTokenRow(applicationId: string, token: StoredSignUpToken): SignUpTokensTable {
  return {
    application_id: applicationId,
    id: token.id,
    username: token.username,
    token_hash: token.hash,
    profile: token.profile ?? '',
    created_at: toMs(token.createdAt),
    created_by: token.createdBy,
    expires_at: toMs(token.expiresAt),
    used_at: orNull(token.usedAt, toMs),
  }
}

export function fromSignUpTokenRow(row: SignUpTokensTable): StoredSignUpToken {
  return {
    id: row.id,
    username: row.username,
    hash: plainBytes(row.token_hash),
    profile: row.profile === '' ? null : (row.profile as NonNullable<StoredSignUpToken['profile']>),
    createdAt: toSeconds(row.created_at),
    createdBy: row.created_by,
    expiresAt: toSeconds(row.expires_at),
    usedAt: orNull(row.used_at, toSeconds),
  }
}

/** pg answers with Buffers; both engines shall look the same to callers. */
function plainBytes(bytes: Uint8Array): Uint8Array {
  return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}
