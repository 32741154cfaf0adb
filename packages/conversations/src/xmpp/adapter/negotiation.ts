import type { XmppClient } from './xmpp-client.ts'

/** From a connected socket to a session. */
const NEGOTIATION_TIMEOUT_MS = 30_000

/**
 * Keeps `@xmpp/client` 0.14 able to reconnect. What waits for an answer during a log-in that breaks, waits on after it, and
 * answers the next log-in's challenge, too, with numbers of the last one: that log-in fails, and the client stays where it
 * is. So whatever began to listen during a log-in is let go when its connection is lost. And a log-in that has no answer is
 * ended, so that the client tries again.
 *
 * @returns ends it.
 */
export function guardNegotiation(client: XmppClient): () => void {
  const began = new Set<(...values: unknown[]) => void>()
  let negotiating = false
  let timer: ReturnType<typeof setTimeout> | undefined

  const onListener = (event: string, listener: (...values: unknown[]) => void): void => {
    if (negotiating && event === 'nonza') began.add(listener)
  }
  const onConnect = (): void => {
    negotiating = true
    timer = setTimeout(() => void client.disconnect().catch(() => {}), NEGOTIATION_TIMEOUT_MS)
  }
  const onSession = (): void => {
    negotiating = false
    clearTimeout(timer)
  }
  const onDisconnect = (): void => {
    onSession()
    for (const listener of began) client.removeListener('nonza', listener)
    began.clear()
  }

  client.on('newListener', onListener)
  client.on('connect', onConnect)
  client.on('online', onSession)
  client.on('disconnect', onDisconnect)
  client.streamManagement?.on('resumed', onSession)
  return () => {
    onSession()
    client.removeListener('newListener', onListener)
    client.removeListener('connect', onConnect)
    client.removeListener('online', onSession)
    client.removeListener('disconnect', onDisconnect)
    client.streamManagement?.removeListener('resumed', onSession)
  }
}
