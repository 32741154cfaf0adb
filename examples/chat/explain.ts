/** What went wrong, for people. */
export function explain(error: unknown): string {
  const { advice, code, message } = error as { advice?: string; code?: string; message?: string }
  if (code === 'NOT_FOUND') return 'The other person has not joined yet: open this page in a second tab.'
  if (code === 'ACCESS_DENIED') {
    const why = 'This person has joined in another browser, and an invitation is for one device'
    return `${why}: go on there, or start the example anew.`
  }
  return advice ?? (code === undefined ? String(message ?? error) : `${code}: ${message}`)
}
