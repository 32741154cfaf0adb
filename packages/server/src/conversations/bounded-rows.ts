import type { ConversationTransaction } from '@keyhaven/conversations/service'
import type { DbTransaction } from '../platform/database/schema.ts'

const OF_A_KEY = ['conversation_recipients', 'conversation_shares', 'conversation_requests'] as const

/** What keeps a user from filling the database. */
export function createBoundedRows(
  db: DbTransaction,
): Pick<ConversationTransaction, 'dropIncomplete' | 'countCreated'> {
  return {
    async dropIncomplete(application, conversation, device, keep) {
      const found = await db
        .selectFrom('conversation_keys')
        .select('id')
        .where('application_id', '=', application)
        .where('conversation', '=', conversation)
        .where('complete', '=', 0)
        .where('device', '=', device)
        .orderBy('ordinal', 'desc')
        .execute()
      const dropped = found.slice(keep).map(({ id }) => id)
      if (dropped.length === 0) return
      for (const table of OF_A_KEY) {
        await db
          .deleteFrom(table)
          .where('application_id', '=', application)
          .where('key_id', 'in', dropped)
          .execute()
      }
      await db
        .deleteFrom('conversation_keys')
        .where('application_id', '=', application)
        .where('id', 'in', dropped)
        .execute()
    },
    async countCreated(application, username, since) {
      const { created } = await db
        .selectFrom('conversations')
        .select(({ fn }) => fn.countAll<number | string>().as('created'))
        .where('application_id', '=', application)
        .where('created_by', '=', username)
        .where('created_at', '>', since)
        .executeTakeFirstOrThrow()
      return Number(created)
    },
  }
}
