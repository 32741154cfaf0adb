import type { Conversation, Me } from '@keyhaven/sdk'

/** The conversation of these two, the newest if there are several; made if there is none. */
export async function conversationWith(me: Me, contact: string): Promise<Conversation> {
  let found: Conversation | undefined
  for await (const { conversation, role } of me.conversations.list()) {
    if (role === null) continue
    const opened = await me.conversations.open(conversation)
    const others = opened.members().filter(({ username }) => username !== me.username)
    if (others.length === 1 && others[0]!.username === contact) found = opened
  }
  // Two owners: either may go on alone.
  return found ?? me.conversations.create({ members: { [contact]: 'owner' } })
}
