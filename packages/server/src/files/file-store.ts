import type { Caller } from '@keyhaven/directory/service'
import { type Selectable, sql } from 'kysely'
import type { DbTransaction, Dialect } from '../platform/database/schema.ts'
import type { State } from '../platform/state/state.ts'
import type { FileFacts } from './file-access.ts'
import { FileRefused } from './file-refused.ts'
import type { FilesTable } from './tables.ts'
import { createUploadRows, type StoredUpload, type UploadRows, type UploadState } from './upload-rows.ts'

/** Uploads that one user may have open at once. */
export const MAX_OPEN_UPLOADS = 20
/** Bytes of the files of one conversation, unfinished ones as announced; `KEYHAVEN_FILES_QUOTA`. */
export const DEFAULT_CONVERSATION_BYTES = 100 * 1_024 ** 3
/** Ranges that the same device reads within this time belong to one download. */
export const READ_COUNTS_ONCE_MS = 300_000
const TABLES = { uploads: 'files', parts: 'file_parts' } as const

/** Its bytes are ciphertext. */
export interface StoredFile extends FileFacts, StoredUpload {
  /** Milliseconds since the epoch. */
  readonly changedAt: number
}

/** The rows of files. */
export interface FileStore extends UploadRows<StoredFile> {
  /**
   * @throws KeyhavenError `RATE_LIMITED` if the user has too many open uploads; `WIRE_TOO_LARGE` if there is
   * no room for the file in its conversation.
   */
  create(file: {
    readonly applicationId: string
    readonly id: string
    readonly conversation: string
    readonly membership: number
    readonly bytes: number
    readonly by: Caller
  }): Promise<StoredFile>
  /** @returns undefined also for one that is being deleted. */
  find(applicationId: string, id: string): Promise<StoredFile | undefined>
  /** Whether a receipt for this device is so new that it stands for one more read. */
  wasReadLately(file: StoredFile, device: string, now: number): Promise<boolean>
  noteRead(file: StoredFile, device: string, now: number): Promise<void>
}

/** @param conversationBytes - quota of one conversation. */
export function createFileStore(
  state: State,
  conversationBytes: number = DEFAULT_CONVERSATION_BYTES,
): FileStore {
  const { db } = state
  return {
    ...createUploadRows<StoredFile>(state, TABLES, { onForget: forgetReads }),

    create: ({ applicationId, id, conversation, membership, bytes, by }) =>
      state.transaction(async ({ db: transaction, now }) => {
        await lockConversation(transaction, state.dialect, applicationId, conversation)
        await requireFewOpen(transaction, applicationId, by.username)
        await requireRoom(transaction, applicationId, conversation, conversationBytes - bytes)
        const row = {
          ...{ application_id: applicationId, id, conversation, membership, bytes },
          ...{ username: by.username, device: by.device, state: 'uploading', received: 0 },
          ...{ upload: '', tail: '', tail_bytes: 0, created_at: now, changed_at: now },
        }
        await transaction.insertInto('files').values(row).execute()
        return fileOf(row)
      }),

    async find(applicationId, id) {
      const row = await db
        .selectFrom('files')
        .selectAll()
        .where('application_id', '=', applicationId)
        .where('id', '=', id)
        .where('state', '!=', 'deleting')
        .executeTakeFirst()
      return row && fileOf(row)
    },

    async wasReadLately({ applicationId, id }, device, now) {
      const row = await db
        .selectFrom('file_reads')
        .select('at')
        .where((where) => where.and({ application_id: applicationId, file_id: id, device }))
        .executeTakeFirst()
      return row !== undefined && Math.abs(now - row.at) < READ_COUNTS_ONCE_MS
    },

    noteRead: ({ applicationId, id }, device, now) =>
      state.transaction(async ({ db: transaction }) => {
        await transaction
          .insertInto('file_reads')
          .values({ application_id: applicationId, file_id: id, device, at: now })
          .onConflict((conflict) =>
            conflict.columns(['application_id', 'file_id', 'device']).doUpdateSet({ at: now }),
          )
          .execute()
      }),
  }
}

export function fileOf(row: Selectable<FilesTable>): StoredFile {
  return {
    applicationId: row.application_id,
    id: row.id,
    conversation: row.conversation,
    membership: row.membership,
    by: { username: row.username, device: row.device },
    state: row.state as UploadState,
    bytes: row.bytes,
    received: row.received,
    upload: row.upload,
    tail: row.tail,
    tailBytes: row.tail_bytes,
    createdAt: row.created_at,
    changedAt: row.changed_at,
  }
}

async function requireFewOpen(db: DbTransaction, applicationId: string, username: string): Promise<void> {
  const { open } = await db
    .selectFrom('files')
    .select(({ fn }) => fn.countAll<number | string>().as('open'))
    .where('state', 'in', ['uploading', 'completing'])
    .where('application_id', '=', applicationId)
    .where('username', '=', username)
    .executeTakeFirstOrThrow()
  if (Number(open) >= MAX_OPEN_UPLOADS) {
    throw new FileRefused('unfinished-uploads', 'too many unfinished uploads: finish or delete one of yours')
  }
}

/** Two processes never fill the same room. SQLite has one writer. */
async function lockConversation(
  db: DbTransaction,
  dialect: Dialect,
  applicationId: string,
  conversation: string,
): Promise<void> {
  if (dialect !== 'postgres') return
  await sql`select pg_advisory_xact_lock(hashtextextended(${`files:${applicationId}:${conversation}`}, 0))`.execute(
    db,
  )
}

/** @param most - bytes that the other files of the conversation may have. */
async function requireRoom(
  db: DbTransaction,
  applicationId: string,
  conversation: string,
  most: number,
): Promise<void> {
  const { taken } = await db
    .selectFrom('files')
    .select(({ fn }) => fn.sum<number | string | null>('bytes').as('taken'))
    .where('application_id', '=', applicationId)
    .where('conversation', '=', conversation)
    .where('state', '!=', 'deleting')
    .executeTakeFirstOrThrow()
  if (Number(taken ?? 0) <= most) return
  throw new FileRefused(
    'quota',
    'the files of this conversation have no room for it: delete some, or ask the operator for a larger quota',
  )
}

async function forgetReads(db: DbTransaction, { applicationId, id }: StoredFile): Promise<void> {
  await db
    .deleteFrom('file_reads')
    .where('application_id', '=', applicationId)
    .where('file_id', '=', id)
    .execute()
}
