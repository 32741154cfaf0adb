import type { FileAccess, FileFacts } from '../files/file-access.ts'
import type { State } from '../platform/state/state.ts'
import type { Conversations } from './conversations.ts'

/** What the conversations decide about files: a file is read like a key that was made when it was begun. */
export function createFileAccess(conversations: Conversations, state: Pick<State, 'db'>): FileAccess {
  const readable = ({ id, conversation, membership, createdAt }: FileFacts) => ({
    ...{ id, conversation, membership, createdAt },
  })
  return {
    mayCreate: async (application, caller, conversation) =>
      (await conversations.open(application)).mayWrite(application, caller, conversation),
    mayRead: async (application, caller, file) =>
      (await conversations.open(application)).mayReadFile(application, caller, readable(file)),
    mayDelete: async (application, caller, { conversation }) =>
      (await conversations.open(application)).mayManage(application, caller, conversation),
    // The rule is asked again in the receipt's own transaction.
    async recordRead(application, caller, file) {
      await (await conversations.open(application)).recordFileRead(application, caller, readable(file))
    },
    async retentionDays(application, conversation) {
      const row = await state.db
        .selectFrom('conversations')
        .select('retention_days')
        .where('application_id', '=', application)
        .where('id', '=', conversation)
        .executeTakeFirst()
      return row?.retention_days ?? null
    },
  }
}
