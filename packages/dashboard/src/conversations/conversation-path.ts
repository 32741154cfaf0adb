export type ConversationPart = 'members' | 'keys' | 'receipts' | 'export'

/** The address of an application's conversations within the dashboard. */
export function conversationsPath(applicationId: string): string {
  return `/applications/${encodeURIComponent(applicationId)}/conversations`
}

/** The address of one conversation's page. */
export function conversationPath(
  applicationId: string,
  id: string,
  part: ConversationPart = 'members',
): string {
  return `${conversationsPath(applicationId)}/${encodeURIComponent(id)}/${part}`
}
