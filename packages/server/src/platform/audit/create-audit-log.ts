import { KeyhavenError } from '@keyhaven/crypto'
import { sql } from 'kysely'
import type { Db } from '../database/schema.ts'
import type { AuditEntriesTable } from '../database/tables.ts'
import type { AuditEntry, AuditLog } from './audit-log.ts'
import { verifyAuditLog } from './verify-audit-log.ts'

const DEFAULT_PAGE_ENTRIES = 50
const MAX_PAGE_ENTRIES = 500

export function createAuditLog(db: Db): AuditLog {
  return {
    append: (transaction, record) => {
      transaction.effects.audit.push(record)
    },

    list: async (filter, page = {}) => {
      const limit = checkLimit(page.limit ?? DEFAULT_PAGE_ENTRIES)
      let query = db.selectFrom('audit_entries').selectAll()
      if (page.cursor !== undefined) query = query.where('sequence', '<', checkCursor(page.cursor))
      if (filter.action !== undefined) query = query.where('action', '=', filter.action)
      if (filter.actor !== undefined) query = query.where('actor', '=', filter.actor)
      if (filter.applicationId !== undefined) query = query.where('application_id', '=', filter.applicationId)
      // Times never go back along the chain, so a time range is a range of sequences.
      if (filter.from !== undefined) query = query.where('sequence', '>=', await firstSince(db, filter.from))
      if (filter.to !== undefined) query = query.where('sequence', '<', await firstSince(db, filter.to))
      const rows = await query
        .orderBy('sequence', 'desc')
        .limit(limit + 1)
        .execute()
      const items = rows.slice(0, limit).map(toEntry)
      const last = items.at(-1)
      return { items, nextCursor: rows.length > limit && last !== undefined ? String(last.sequence) : null }
    },

    // A loose index scan: one look-up for each action, however many entries there are.
    actions: async () => {
      const { rows } = await sql<{ action: string }>`
        with recursive names (action) as (
          select min(action) from audit_entries
          union all
          select (select min(action) from audit_entries where action > names.action) from names
          where names.action is not null
        ) select action from names where action is not null`.execute(db)
      return rows.map((row) => row.action)
    },

    verify: (options = {}) => verifyAuditLog(db, options),
  }
}

function toEntry(row: AuditEntriesTable): AuditEntry {
  return {
    sequence: row.sequence,
    at: row.at,
    actor: row.actor,
    action: row.action,
    applicationId: row.application_id === '' ? null : row.application_id,
    subject: row.subject === '' ? null : row.subject,
    detail: JSON.parse(row.detail) as AuditEntry['detail'],
    hash: Buffer.from(row.hash).toString('hex'),
  }
}

async function firstSince(db: Db, at: number): Promise<number> {
  const row = await db
    .selectFrom('audit_entries')
    .select('sequence')
    .where('at', '>=', at)
    .orderBy('at')
    .orderBy('sequence')
    .limit(1)
    .executeTakeFirst()
  return row?.sequence ?? Number.MAX_SAFE_INTEGER
}

function checkLimit(limit: number): number {
  if (Number.isInteger(limit) && limit >= 1 && limit <= MAX_PAGE_ENTRIES) return limit
  throw new KeyhavenError('INPUT_INVALID', `limit must be 1 to ${MAX_PAGE_ENTRIES}`)
}

function checkCursor(cursor: string): number {
  if (/^\d{1,15}$/.test(cursor)) return Number(cursor)
  throw new KeyhavenError('INPUT_INVALID', 'cursor must be one that a page named as nextCursor')
}
