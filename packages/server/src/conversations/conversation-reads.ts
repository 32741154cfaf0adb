import type { ConversationReads } from '@keyhaven/conversations/service'
import { sql } from 'kysely'
import type { Db, DbTransaction } from '../platform/database/schema.ts'
import {
  fromConversationRow,
  fromDeviceColumns,
  fromEntryRow,
  fromExportRow,
  fromKeyRow,
  fromReceiptRow,
  fromRecipientRow,
  fromStayRow,
} from './conversation-rows.ts'

const MS_PER_SECOND = 1_000

/** What is asked, inside a transaction or outside. */
export function createConversationReads(db: Db | DbTransaction): ConversationReads {
  return {
    async findConversation(application, id) {
      const row = await db
        .selectFrom('conversations')
        .selectAll()
        .where('application_id', '=', application)
        .where('id', '=', id)
        .executeTakeFirst()
      return row && fromConversationRow(row)
    },
    async entries(application, id, after, limit) {
      const rows = await db
        .selectFrom('conversation_entries')
        .selectAll()
        .where('application_id', '=', application)
        .where('conversation', '=', id)
        .where('sequence', '>', after)
        .orderBy('sequence')
        .$if(limit !== undefined, (query) => query.limit(Number(limit)))
        .execute()
      return rows.map(fromEntryRow)
    },
    async modeEntry(application, id, sequence) {
      const row = await db
        .selectFrom('conversation_entries')
        .select('entry')
        .where('application_id', '=', application)
        .where('conversation', '=', id)
        .where('sequence', '<=', sequence)
        .where('kind', 'in', ['create', 'mode'])
        .orderBy('sequence', 'desc')
        .limit(1)
        .executeTakeFirst()
      return row?.entry
    },
    async stays(application, id, username) {
      const rows = await db
        .selectFrom('conversation_members')
        .selectAll()
        .where('application_id', '=', application)
        .where('conversation', '=', id)
        .where('username', '=', username)
        .orderBy('from_sequence')
        .execute()
      return rows.map(fromStayRow)
    },
    async conversationsOf(application, username, after, limit) {
      const rows = await db
        .selectFrom('conversation_members as m')
        .innerJoin('conversations as c', (join) =>
          join.onRef('c.application_id', '=', 'm.application_id').onRef('c.id', '=', 'm.conversation'),
        )
        .selectAll('c')
        .select([
          'm.username',
          'm.from_sequence',
          'm.from_at',
          'm.to_sequence',
          'm.to_at',
          'm.role',
          'm.chain',
        ])
        .select('m.history as stay_history')
        .where('m.application_id', '=', application)
        .where('m.username', '=', username)
        .where('m.conversation', '>', after)
        .where((where) =>
          where(
            'm.from_sequence',
            '=',
            where
              .selectFrom('conversation_members as l')
              .select(({ fn }) => fn.max('l.from_sequence').as('newest'))
              .whereRef('l.application_id', '=', 'm.application_id')
              .whereRef('l.conversation', '=', 'm.conversation')
              .whereRef('l.username', '=', 'm.username'),
          ),
        )
        .orderBy('m.conversation')
        .limit(limit)
        .execute()
      return rows.map((row) => ({
        conversation: fromConversationRow(row),
        stay: fromStayRow({ ...row, history: row.stay_history }),
      }))
    },
    async findKey(application, id) {
      const row = await db
        .selectFrom('conversation_keys')
        .selectAll()
        .where('application_id', '=', application)
        .where('id', '=', id)
        .executeTakeFirst()
      return row && fromKeyRow(row)
    },
    async keysOf(application, conversation) {
      const rows = await db
        .selectFrom('conversation_keys')
        .selectAll()
        .where('application_id', '=', application)
        .where('conversation', '=', conversation)
        .orderBy('ordinal')
        .execute()
      return rows.map(fromKeyRow)
    },
    async recipients(application, key, after, limit) {
      const rows = await db
        .selectFrom('conversation_recipients')
        .selectAll()
        .where('application_id', '=', application)
        .where('key_id', '=', key)
        .where('device', '>', after)
        .orderBy('device')
        .limit(limit)
        .execute()
      return rows.map(fromRecipientRow)
    },
    async receipts(application, conversation, after, limit) {
      const rows = await db
        .selectFrom('conversation_receipts')
        .selectAll()
        .where('application_id', '=', application)
        .where('conversation', '=', conversation)
        .where('sequence', '>', after)
        .orderBy('sequence')
        .limit(limit)
        .execute()
      return rows.map(fromReceiptRow)
    },
    async findDevice(application, device) {
      const row = await db
        .selectFrom('directory_devices')
        .selectAll()
        .where('application_id', '=', application)
        .where('device', '=', device)
        .executeTakeFirst()
      return row && fromDeviceColumns(row)
    },
    async deviceChanges(application, conversation, since, now) {
      const { rows } = await sql<{ left_at: number | null; joined_at: number | null }>`
        select
          max(case when least_end >= ${since * MS_PER_SECOND} and least_end <= ${now * MS_PER_SECOND}
            then least_end end) as left_at,
          max(case when since > ${since * MS_PER_SECOND} and restricted = 1 then since end) as joined_at
        from (
          select d.since,
            case when d.ended_at is not null and d.ended_at < d.expires_at
              then d.ended_at else d.expires_at end as least_end,
            case when m.history like '%"devices":"joined"%' then 1 else 0 end as restricted
          from conversation_members m
          join directory_devices d
            on d.application_id = m.application_id and d.username = m.username and d.chain = m.chain
          where m.application_id = ${application} and m.conversation = ${conversation}
            and m.to_sequence is null
        ) as devices`.execute(db)
      const [row] = rows
      return {
        leftAt: Math.floor(Number(row?.left_at ?? 0) / MS_PER_SECOND),
        joinedAt: Math.floor(Number(row?.joined_at ?? 0) / MS_PER_SECOND),
      }
    },
    async ruleDates(application, conversation) {
      const rows = await db
        .selectFrom('conversation_members')
        .select('history')
        .distinct()
        .where('application_id', '=', application)
        .where('conversation', '=', conversation)
        .where('to_sequence', 'is', null)
        .execute()
      const rules = rows.map((row): unknown => JSON.parse(row.history).members)
      return rules.filter((date) => typeof date === 'number')
    },
    async holders(application, key, now) {
      const { rows } = await sql<{ devices: number }>`
        select count(*) as devices from (
          select device, username from conversation_recipients
          where application_id = ${application} and key_id = ${key}
          union
          select device, username from conversation_shares
          where application_id = ${application} and key_id = ${key}
        ) as h
        join conversation_keys k on k.application_id = ${application} and k.id = ${key}
        join conversation_members m on m.application_id = k.application_id and m.conversation = k.conversation
          and m.username = h.username and m.to_sequence is null
        join directory_devices d on d.application_id = k.application_id and d.device = h.device
        where d.chain = m.chain and (d.ended_at is null or d.ended_at > ${now * MS_PER_SECOND})`.execute(db)
      return Number(rows[0]?.devices ?? 0)
    },
    async answerable(application, { username, device }, after, limit, now) {
      const { rows } = await sql<{
        conversation: string
        key_id: string
        username: string
        device: string
        requested_at: number
      }>`
        select q.conversation, q.key_id, q.username, q.device, q.requested_at
        from conversation_members m
        join conversation_requests q
          on q.application_id = m.application_id and q.conversation = m.conversation
        join directory_devices d on d.application_id = q.application_id and d.device = q.device
          and d.expires_at > ${now * MS_PER_SECOND}
          and (d.ended_at is null or d.ended_at > ${now * MS_PER_SECOND})
        where m.application_id = ${application} and m.username = ${username} and m.to_sequence is null
          and q.device <> ${device}
          and (q.requested_at > ${after.at} or (q.requested_at = ${after.at}
            and (q.key_id > ${after.key} or (q.key_id = ${after.key} and q.device > ${after.device}))))
          and (exists (select 1 from conversation_recipients r where r.application_id = q.application_id
              and r.key_id = q.key_id and r.device = ${device})
            or exists (select 1 from conversation_shares s where s.application_id = q.application_id
              and s.key_id = q.key_id and s.device = ${device}))
        order by q.requested_at, q.key_id, q.device
        limit ${limit}`.execute(db)
      return rows.map((row) => ({
        conversation: row.conversation,
        key: row.key_id,
        username: row.username,
        device: row.device,
        requestedAt: row.requested_at,
      }))
    },
    async findExport(application, id) {
      const row = await db
        .selectFrom('conversation_exports')
        .selectAll()
        .where('application_id', '=', application)
        .where('id', '=', id)
        .executeTakeFirst()
      return row && fromExportRow(row)
    },
  }
}
