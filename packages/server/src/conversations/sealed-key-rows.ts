import { type ConversationTransaction, LEGACY_PROFILE } from '@keyhaven/conversations/service'
import { sql } from 'kysely'
import { bulkInsert } from '../platform/database/bulk-insert.ts'
import { jsonRows } from '../platform/database/json-rows.ts'
import type { DbTransaction, Dialect } from '../platform/database/schema.ts'
import { fromShareRow, joinProof, RECIPIENT_COLUMNS, toRecipientValues } from './conversation-rows.ts'

const MS_PER_SECOND = 1_000

type SealedKeyRows = Pick<
  ConversationTransaction,
  | 'insertRecipients'
  | 'placeRecipients'
  | 'allRecipients'
  | 'hasRequest'
  | 'insertRequest'
  | 'countRequests'
  | 'findShare'
  | 'saveShare'
  | 'lastHeld'
  | 'eldestDevices'
>

/** Whom sealed keys were made for, who asks for one, and who was given it by another device. */
export function createSealedKeyRows(db: DbTransaction, dialect: Dialect): SealedKeyRows {
  return {
    async insertRecipients(application, key, recipients) {
      const values = recipients.map((recipient) => toRecipientValues(application, key, recipient))
      await bulkInsert(db, dialect, 'conversation_recipients', RECIPIENT_COLUMNS, values)
    },
    async placeRecipients(application, key, places) {
      const rows = jsonRows(
        dialect,
        't',
        { device: 'text', position: 'bigint', proof: 'text' },
        places.map(({ device, position, proof }) => [device, position, joinProof(proof)]),
      )
      await sql`
        update conversation_recipients set position = t.position, proof = t.proof
        from ${rows}
        where application_id = ${application} and key_id = ${key}
          and conversation_recipients.device = t.device`.execute(db)
    },
    async allRecipients(application, key) {
      return await db
        .selectFrom('conversation_recipients')
        .select(['username', 'device', 'thumbprint'])
        .where('application_id', '=', application)
        .where('key_id', '=', key)
        .execute()
    },
    async hasRequest(application, key, device) {
      const row = await db
        .selectFrom('conversation_requests')
        .select('device')
        .where('application_id', '=', application)
        .where('conversation', '=', key.conversation)
        .where('key_id', '=', key.id)
        .where('device', '=', device)
        .executeTakeFirst()
      return row !== undefined
    },
    async insertRequest(application, { conversation, key, device, username, requestedAt }) {
      await db
        .insertInto('conversation_requests')
        .values({
          ...{ application_id: application, conversation, key_id: key, device, username },
          requested_at: requestedAt,
        })
        .onConflict((conflict) =>
          conflict
            .columns(['application_id', 'conversation', 'key_id', 'device'])
            .doUpdateSet({ requested_at: requestedAt }),
        )
        .execute()
    },
    async countRequests(application, conversation, device) {
      const { waiting } = await db
        .selectFrom('conversation_requests')
        .select(({ fn }) => fn.countAll<number | string>().as('waiting'))
        .where('application_id', '=', application)
        .where('conversation', '=', conversation)
        .where('device', '=', device)
        .executeTakeFirstOrThrow()
      return Number(waiting)
    },
    async findShare(application, key, device) {
      const row = await db
        .selectFrom('conversation_shares')
        .selectAll()
        .where('application_id', '=', application)
        .where('key_id', '=', key)
        .where('device', '=', device)
        .executeTakeFirst()
      return row && fromShareRow(row)
    },
    async saveShare(application, key, { device, username, share, wrapped, sharedAt }) {
      const change = { username, share, wrapped, shared_at: sharedAt }
      await db
        .insertInto('conversation_shares')
        .values({ application_id: application, key_id: key.id, device, ...change })
        .onConflict((conflict) =>
          conflict.columns(['application_id', 'key_id', 'device']).doUpdateSet(change),
        )
        .execute()
      await db
        .deleteFrom('conversation_requests')
        .where('application_id', '=', application)
        .where('conversation', '=', key.conversation)
        .where('key_id', '=', key.id)
        .where('device', '=', device)
        .execute()
    },
    async lastHeld(application, conversation, leaving, at) {
      const held = (table: 'conversation_recipients' | 'conversation_shares', others: boolean) => sql`
        select 1 from ${sql.table(table)} h
        join conversation_members m on m.application_id = k.application_id and m.conversation = k.conversation
          and m.username = h.username and m.to_sequence is null
        join directory_devices d on d.application_id = k.application_id and d.device = h.device
        where h.application_id = k.application_id and h.key_id = k.id and d.chain = m.chain
          and (d.ended_at is null or d.ended_at > ${at * MS_PER_SECOND})
          and h.username ${others ? sql`<>` : sql`=`} ${leaving}`
      const { rows } = await sql<{ membership: number; created_at: number }>`
        select k.membership, k.created_at from conversation_keys k
        where k.application_id = ${application} and k.conversation = ${conversation}
          and k.mode = 'sealed' and k.erased_at is null and k.complete = 1
          and (exists (${held('conversation_recipients', false)})
            or exists (${held('conversation_shares', false)}))
          and not exists (${held('conversation_recipients', true)})
          and not exists (${held('conversation_shares', true)})
        order by k.ordinal`.execute(db)
      return rows.map(({ membership, created_at }) => ({
        membership: Number(membership),
        madeAt: Math.floor(Number(created_at) / MS_PER_SECOND),
      }))
    },
    async eldestDevices(application, conversation, at) {
      const { rows } = await sql<{ username: string; since: number }>`
        select m.username, min(d.since) as since from conversation_members m
        join directory_devices d
          on d.application_id = m.application_id and d.username = m.username and d.chain = m.chain
        where m.application_id = ${application} and m.conversation = ${conversation}
          and m.to_sequence is null and d.profile <> ${LEGACY_PROFILE}
          and (d.ended_at is null or d.ended_at > ${at * MS_PER_SECOND})
        group by m.username`.execute(db)
      return new Map(rows.map(({ username, since }) => [username, Math.floor(Number(since) / MS_PER_SECOND)]))
    },
  }
}
