import { qualify, type XmlElement } from '../codec/xml-element.ts'
import type { XmppClient } from './xmpp-client.ts'

/** From a connected socket to a session. */
const NEGOTIATION_TIMEOUT_MS = 30_000

/** SASL of RFC 6120 §6 and of XEP-0388. */
const NS_SASL = ['urn:ietf:params:xml:ns:xmpp-sasl', 'urn:xmpp:sasl:2']
/** Answers to lost log-ins that are still being computed (SCRAM takes its time) have gone by then. */
const REFUSED_LOGIN_WAIT_MS = 1_000
/** One after the other; then the password is wrong by now. */
const MAX_REFUSED_LOGINS = 5

/**
 * Keeps `@xmpp/client` 0.14 able to reconnect. What waits for an answer during a log-in that breaks, waits on
 * after it, and answers the next log-in's challenge, too, with numbers of the last one: that log-in fails,
 * and the client stays where it is. So whatever began to listen during a log-in is let go when its connection
 * is lost; and after a session a log-in that is refused, or has no answer, is ended, so that the client tries
 * again.
 *
 * @returns ends it.
 */
export function guardNegotiation(client: XmppClient): () => void {
  const began = new Set<(...values: unknown[]) => void>()
  let negotiating = false
  /**
   * Since the last session; undefined before the first: then the app is told of the wrong password by the
   * client.
   */
  let refusedLogins: number | undefined
  let timer: ReturnType<typeof setTimeout> | undefined

  function tryAgain(): void {
    client.disconnect().catch(() => {})
  }
  function stopWaiting(): void {
    negotiating = false
    clearTimeout(timer)
  }
  const onListener = (event: string, listener: (...values: unknown[]) => void): void => {
    if (negotiating && event === 'nonza') began.add(listener)
  }
  const onConnect = (): void => {
    negotiating = true
    timer = setTimeout(tryAgain, NEGOTIATION_TIMEOUT_MS)
  }
  const onNonza = (element: XmlElement): void => {
    const { name, namespace } = qualify(element)
    if (!negotiating || name !== 'failure' || refusedLogins === undefined) return
    if (!NS_SASL.includes(namespace ?? '') || ++refusedLogins > MAX_REFUSED_LOGINS) return
    clearTimeout(timer)
    timer = setTimeout(tryAgain, REFUSED_LOGIN_WAIT_MS)
  }
  const onSession = (): void => {
    refusedLogins = 0
    stopWaiting()
  }
  const onDisconnect = (): void => {
    stopWaiting()
    for (const listener of began) client.removeListener('nonza', listener)
    began.clear()
  }

  client.on('newListener', onListener)
  client.on('nonza', onNonza)
  client.on('connect', onConnect)
  client.on('online', onSession)
  client.on('disconnect', onDisconnect)
  client.streamManagement?.on('resumed', onSession)
  return () => {
    stopWaiting()
    client.removeListener('newListener', onListener)
    client.removeListener('nonza', onNonza)
    client.removeListener('connect', onConnect)
    client.removeListener('online', onSession)
    client.removeListener('disconnect', onDisconnect)
    client.streamManagement?.removeListener('resumed', onSession)
  }
}
