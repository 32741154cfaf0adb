import { sql } from 'kysely'
import type { Db } from '../platform/database/schema.ts'
import {
  fromConversationRow,
  fromExportRow,
  fromKeyRow,
  fromReceiptRow,
  fromStayRow,
} from './conversation-rows.ts'

/** Newest keys that one answer shows. */
const MAX_SHOWN_KEYS = 100

/** What an operator sees of a conversation in a list; never content. */
export interface ConversationReport {
  readonly conversation: ReturnType<typeof fromConversationRow>
  readonly members: number
  readonly keys: number
  readonly receipts: number
  /** Milliseconds: when the current key was made. */
  readonly keyMadeAt: number | null
  /** Storage that the files take. */
  readonly fileBytes: number
}

export interface ReportPage {
  readonly after: string
  readonly limit: number
  /** Only those in which this user is or was. */
  readonly username?: string | undefined
}

/** By id. */
export async function listReports(
  db: Db,
  application: string,
  page: ReportPage,
): Promise<ConversationReport[]> {
  const { username } = page
  const rows = await db
    .selectFrom('conversations as c')
    .selectAll('c')
    .select((where) => [
      where
        .selectFrom('conversation_members as m')
        .select(({ fn }) => fn.countAll<number>().as('n'))
        .whereRef('m.application_id', '=', 'c.application_id')
        .whereRef('m.conversation', '=', 'c.id')
        .where('m.to_sequence', 'is', null)
        .as('members'),
      where
        .selectFrom('conversation_keys as k')
        .select(({ fn }) => fn.max('k.ordinal').as('n'))
        .whereRef('k.application_id', '=', 'c.application_id')
        .whereRef('k.conversation', '=', 'c.id')
        .as('newest_key'),
      where
        .selectFrom('conversation_receipts as r')
        .select(({ fn }) => fn.max('r.sequence').as('n'))
        .whereRef('r.application_id', '=', 'c.application_id')
        .whereRef('r.conversation', '=', 'c.id')
        .as('newest_receipt'),
      where
        .selectFrom('conversation_keys as k')
        .select('k.created_at')
        .whereRef('k.application_id', '=', 'c.application_id')
        .whereRef('k.id', '=', 'c.current_key')
        .as('key_made_at'),
      sql<number>`(select coalesce(sum(f.bytes), 0) from files f
        where f.application_id = c.application_id and f.conversation = c.id)`.as('file_bytes'),
    ])
    .where('c.application_id', '=', application)
    .where('c.id', '>', page.after)
    .$if(username !== undefined, (query) =>
      query.where((where) =>
        where.exists(
          where
            .selectFrom('conversation_members as u')
            .select('u.username')
            .whereRef('u.application_id', '=', 'c.application_id')
            .whereRef('u.conversation', '=', 'c.id')
            .where('u.username', '=', String(username)),
        ),
      ),
    )
    .orderBy('c.id')
    .limit(page.limit)
    .execute()
  return rows.map((row) => ({
    conversation: fromConversationRow(row),
    members: Number(row.members),
    keys: row.newest_key === null ? 0 : Number(row.newest_key) + 1,
    receipts: row.newest_receipt === null ? 0 : Number(row.newest_receipt) + 1,
    keyMadeAt: row.key_made_at === null ? null : Number(row.key_made_at),
    fileBytes: Number(row.file_bytes),
  }))
}

/** Members of now and of before, newest keys and exports of one conversation. */
export async function readReport(db: Db, application: string, id: string) {
  const [report] = await listReports(db, application, { after: before(id), limit: 1 })
  if (report?.conversation.id !== id) return undefined
  const stays = await db
    .selectFrom('conversation_members')
    .selectAll()
    .where('application_id', '=', application)
    .where('conversation', '=', id)
    .orderBy('username')
    .orderBy('from_sequence')
    .execute()
  const keys = await db
    .selectFrom('conversation_keys')
    .selectAll()
    .where('application_id', '=', application)
    .where('conversation', '=', id)
    .orderBy('ordinal', 'desc')
    .limit(MAX_SHOWN_KEYS)
    .execute()
  const exports = await db
    .selectFrom('conversation_exports')
    .selectAll()
    .where('application_id', '=', application)
    .where('conversation', '=', id)
    .orderBy('requested_at', 'desc')
    .orderBy('id')
    .execute()
  return {
    ...report,
    stays: stays.map(fromStayRow),
    shownKeys: keys.map(fromKeyRow),
    exports: exports.map(fromExportRow),
  }
}

/** Receipts, newest first: operators look for the latest. @param below - a receipt's number. */
export async function listReceipts(db: Db, application: string, id: string, below: number, limit: number) {
  const rows = await db
    .selectFrom('conversation_receipts')
    .selectAll()
    .where('application_id', '=', application)
    .where('conversation', '=', id)
    .where('sequence', '<', below)
    .orderBy('sequence', 'desc')
    .limit(limit)
    .execute()
  return rows.map(fromReceiptRow)
}

/** A text that sorts before the id and behind every other: ids have 22 characters. */
function before(id: string): string {
  return id.slice(0, -1)
}
