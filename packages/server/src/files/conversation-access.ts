import type { Conversations } from '../conversations/conversations.ts'
import type { State } from '../platform/state/state.ts'
import type { FileAccess } from './file-access.ts'

/** Files are for whom the conversations say. */
export function createConversationAccess(conversations: Conversations, state: State): FileAccess {
  return {
    mayCreate: async (application, caller, conversation) =>
      (await conversations.open(application)).mayWrite(application, caller, conversation),
    mayRead: async (application, caller, file) =>
      (await conversations.open(application)).mayReadFile(application, caller, file),
    mayDelete: async (application, caller, { conversation }) =>
      (await conversations.open(application)).mayManage(application, caller, conversation),
    async recordRead(application, caller, file) {
      await (await conversations.open(application)).recordFileRead(application, caller, file)
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
