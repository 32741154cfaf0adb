/** Encrypted messages are no secret: they may lie anywhere. */
export function keptEnvelopes(username: string): readonly string[] {
  return JSON.parse(localStorage.getItem(keyOf(username)) ?? '[]') as string[]
}

export function keepEnvelope(username: string, envelope: string): void {
  localStorage.setItem(
    keyOf(username),
    JSON.stringify([...keptEnvelopes(username), envelope].slice(-MAX_KEPT)),
  )
}

const MAX_KEPT = 200

const keyOf = (username: string): string => `chat-${username}`
