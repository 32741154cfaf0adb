import type { DbTransaction } from '../platform/database/schema.ts'
import type { WrittenPart } from '../platform/objects/object-store.ts'
import type { State, StateTransaction } from '../platform/state/state.ts'

export type UploadState = 'uploading' | 'completing' | 'complete' | 'deleting'

/** Bytes that come in several requests. */
export interface StoredUpload {
  readonly applicationId: string
  readonly id: string
  readonly state: UploadState
  /** As announced. */
  readonly bytes: number
  readonly received: number
  /** The object store's id; empty before the first part. */
  readonly upload: string
  /** Object of the bytes that are too few for a part yet; empty if there are none. */
  readonly tail: string
  readonly tailBytes: number
  /** Milliseconds since the epoch. */
  readonly createdAt: number
}

export interface Advance {
  readonly received: number
  readonly tail: string
  readonly tailBytes: number
  readonly part?: WrittenPart
}

/** What changes a row says what it expects, so that of two writers one is refused. */
export interface UploadRows<Upload extends StoredUpload> {
  parts(upload: Upload): Promise<readonly WrittenPart[]>
  /** @returns false if somebody else has begun it. */
  begin(upload: Upload, id: string): Promise<boolean>
  /** @returns false if it is not any more as it was read. */
  advance(upload: Upload, to: Advance): Promise<boolean>
  complete(upload: Upload): Promise<void>
  /** From now on it is gone for everybody. @returns false if it is not any more as it was read. */
  beginDeletion(upload: Upload): Promise<boolean>
  /** Removes every trace. */
  forget(upload: Upload): Promise<void>
}

/** Two tables: the uploads, and the parts of those that are not complete yet. */
export interface UploadTables {
  readonly uploads: 'files' | 'identity_packets'
  readonly parts: 'file_parts' | 'identity_packet_parts'
}

export interface UploadHooks<Upload extends StoredUpload> {
  /** In the transaction that makes it whole, once. */
  readonly onComplete?: (transaction: StateTransaction, upload: Upload) => Promise<void>
  /** In the transaction that removes it. */
  readonly onForget?: (db: DbTransaction, upload: Upload) => Promise<void>
}

export function createUploadRows<Upload extends StoredUpload>(
  state: State,
  tables: UploadTables,
  hooks: UploadHooks<Upload> = {},
): UploadRows<Upload> {
  // Both have these columns; the types follow one of them.
  const uploads = tables.uploads as 'files'
  const parts = tables.parts as 'file_parts'
  const atRow = ({ applicationId, id }: Upload) => ({ application_id: applicationId, id })
  const forgetParts = async (db: DbTransaction, { applicationId, id }: Upload): Promise<void> => {
    await db.deleteFrom(parts).where('application_id', '=', applicationId).where('file_id', '=', id).execute()
  }
  return {
    parts: ({ applicationId, id }) =>
      state.db
        .selectFrom(parts)
        .select(['part', 'tag', 'bytes'])
        .where('application_id', '=', applicationId)
        .where('file_id', '=', id)
        .orderBy('part')
        .execute(),

    begin: (upload, id) =>
      state.transaction(async ({ db }) => {
        const { numUpdatedRows } = await db
          .updateTable(uploads)
          .set({ upload: id })
          .where((where) => where.and({ ...atRow(upload), state: 'uploading', upload: '' }))
          .executeTakeFirst()
        return numUpdatedRows === 1n
      }),

    advance: (upload, { received, tail, tailBytes, part }) =>
      state.transaction(async ({ db, now }) => {
        const expected = { state: 'uploading', received: upload.received, tail: upload.tail }
        const { numUpdatedRows } = await db
          .updateTable(uploads)
          .set({
            ...{ received, tail, tail_bytes: tailBytes, changed_at: now },
            state: received === upload.bytes ? 'completing' : 'uploading',
          })
          .where((where) => where.and({ ...atRow(upload), ...expected }))
          .executeTakeFirst()
        if (numUpdatedRows !== 1n) return false
        if (part !== undefined) {
          await db
            .insertInto(parts)
            .values({ application_id: upload.applicationId, file_id: upload.id, ...part })
            .execute()
        }
        return true
      }),

    complete: (upload) =>
      state.transaction(async (transaction) => {
        const { db, now } = transaction
        // A deletion is final, whoever ends later.
        const { numUpdatedRows } = await db
          .updateTable(uploads)
          .set({ state: 'complete', changed_at: now, upload: '' })
          .where((where) => where.and(atRow(upload)))
          .where('state', 'in', ['uploading', 'completing'])
          .executeTakeFirst()
        await forgetParts(db, upload)
        if (numUpdatedRows === 1n) await hooks.onComplete?.(transaction, upload)
      }),

    beginDeletion: (upload) =>
      state.transaction(async ({ db, now }) => {
        const expected = { state: upload.state, received: upload.received }
        const { numUpdatedRows } = await db
          .updateTable(uploads)
          .set({ state: 'deleting', changed_at: now })
          .where((where) => where.and({ ...atRow(upload), ...expected }))
          .executeTakeFirst()
        return numUpdatedRows === 1n
      }),

    forget: (upload) =>
      state.transaction(async ({ db }) => {
        await forgetParts(db, upload)
        await hooks.onForget?.(db, upload)
        await db
          .deleteFrom(uploads)
          .where((where) => where.and(atRow(upload)))
          .execute()
      }),
  }
}
