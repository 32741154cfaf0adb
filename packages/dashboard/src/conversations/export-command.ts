/** What one of an export's two operators runs: it fetches the keys, which this dashboard never does. */
export function downloadCommand(applicationId: string, conversation: string, id: string): string {
  // An id may begin with a hyphen; behind the two it is not taken for an option.
  return `keyhaven conversations export download --json -- ${applicationId} ${conversation} ${id}`
}
