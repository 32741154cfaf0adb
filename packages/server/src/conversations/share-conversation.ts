import type { Db } from '../platform/database/schema.ts'

/** Whether both are members of one conversation now: then each has the other's name from its membership. */
export async function shareConversation(
  db: Db,
  applicationId: string,
  username: string,
  other: string,
): Promise<boolean> {
  const found = await db
    .selectFrom('conversation_members as own')
    .innerJoin('conversation_members as theirs', (join) =>
      join
        .onRef('theirs.application_id', '=', 'own.application_id')
        .onRef('theirs.conversation', '=', 'own.conversation'),
    )
    .select('own.conversation')
    .where('own.application_id', '=', applicationId)
    .where('own.username', '=', username)
    .where('own.to_sequence', 'is', null)
    .where('theirs.username', '=', other)
    .where('theirs.to_sequence', 'is', null)
    .limit(1)
    .executeTakeFirst()
  return found !== undefined
}
