import { KeyhavenError } from '@keyhaven/crypto'
import { sql } from 'kysely'
import type { State } from '../platform/state/state.ts'
import type { FileAccess } from './file-access.ts'
import type { StoredFile } from './file-store.ts'
import { fileOf, READ_COUNTS_ONCE_MS } from './file-store.ts'
import type { Uploads } from './uploads.ts'

const MS_PER_DAY = 86_400_000
/** An upload without new bytes for so long is given up. */
export const UNFINISHED_MS = MS_PER_DAY
/** A deletion that takes longer was cut. */
const CUT_DELETION_MS = 600_000
const FILES_AT_ONCE = 200
const CONVERSATIONS_AT_ONCE = 500

export interface TidySummary {
  /** Uploads given up. */
  readonly unfinished: number
  /** Files that a conversation's rule lets go. */
  readonly expired: number
}

export interface TidyParts {
  readonly state: State
  readonly uploads: Uploads
  readonly access: Pick<FileAccess, 'retentionDays'>
  /** Of one file; the others are tidied all the same. */
  readonly onError: (error: unknown) => void
}

/**
 * Removes uploads that nobody goes on with, ends deletions that were cut, and deletes by the retention rules.
 */
export async function tidyFiles(parts: TidyParts, now: number): Promise<TidySummary> {
  const { state, uploads, onError } = parts
  const remove = async (file: StoredFile): Promise<number> => {
    try {
      await uploads.remove(file)
      return 1
    } catch (error) {
      // Somebody goes on with it, or was first.
      if (!(error instanceof KeyhavenError && error.code === 'UPLOAD_CONFLICT')) onError(error)
      return 0
    }
  }
  let unfinished = 0
  for (const file of await unchanged(state, ['uploading'], now - UNFINISHED_MS))
    unfinished += await remove(file)
  for (const file of await unchanged(state, ['completing'], now - CUT_DELETION_MS)) {
    await uploads.finish(file).catch(onError)
  }
  for (const file of await unchanged(state, ['deleting'], now - CUT_DELETION_MS)) await remove(file)
  const expired = await expire(parts, now, remove)
  await state.db
    .deleteFrom('file_reads')
    .where('at', '<', now - READ_COUNTS_ONCE_MS)
    .execute()
  return { unfinished, expired }
}

/** Those that failed stay in front: no page is asked twice. */
async function unchanged(state: State, states: readonly string[], before: number): Promise<StoredFile[]> {
  const rows = await state.db
    .selectFrom('files')
    .selectAll()
    .where('state', 'in', states)
    .where('changed_at', '<', before)
    .orderBy('changed_at')
    .limit(FILES_AT_ONCE * 10)
    .execute()
  return rows.map(fileOf)
}

async function expire(
  { state, access }: TidyParts,
  now: number,
  remove: (file: StoredFile) => Promise<number>,
): Promise<number> {
  let expired = 0
  let [application, conversation] = ['', '']
  for (;;) {
    const { rows } = await sql<{ application_id: string; conversation: string }>`
      select distinct application_id, conversation from files
      where (application_id, conversation) > (${application}, ${conversation})
      order by application_id, conversation limit ${CONVERSATIONS_AT_ONCE}`.execute(state.db)
    for (const row of rows) {
      const days = await access.retentionDays(row.application_id, row.conversation)
      if (days === null) continue
      expired += await expireOne(state, row, now - days * MS_PER_DAY, remove)
    }
    const last = rows.at(-1)
    if (last === undefined) return expired
    application = last.application_id
    conversation = last.conversation
  }
}

async function expireOne(
  state: State,
  { application_id, conversation }: { application_id: string; conversation: string },
  before: number,
  remove: (file: StoredFile) => Promise<number>,
): Promise<number> {
  let expired = 0
  for (;;) {
    const rows = await state.db
      .selectFrom('files')
      .selectAll()
      .where((where) => where.and({ application_id, conversation, state: 'complete' }))
      .where('created_at', '<', before)
      .orderBy('created_at')
      .limit(FILES_AT_ONCE)
      .execute()
    let removed = 0
    for (const row of rows) removed += await remove(fileOf(row))
    expired += removed
    // A failing one is tried again next time, not for ever now.
    if (rows.length < FILES_AT_ONCE || removed < rows.length) break
  }
  if (expired > 0) {
    await state.transaction(async (transaction) => {
      state.audit.append(transaction, {
        ...{ actor: 'system', action: 'file.expire', applicationId: application_id, subject: conversation },
        detail: { files: expired },
      })
    })
  }
  return expired
}
