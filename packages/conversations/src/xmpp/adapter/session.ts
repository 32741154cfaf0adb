import { NS_CARBONS } from '../codec/namespaces.ts'
import { childElements, qualify, type XmlElement } from '../codec/xml-element.ts'
import type { XmlFactory, XmppClient } from './xmpp-client.ts'

const NS_STREAM_MANAGEMENT = 'urn:xmpp:sm:3'
/** What a server without an answer to `<enable/>` holds up. */
const MANAGEMENT_WAIT_MS = 5_000

export interface SessionSteps {
  /**
   * A session has begun, and its stream management is settled. @param lasts - whether it is still the newest.
   */
  begun(lasts: () => boolean): Promise<void>
  /** The last session goes on. */
  resumed(): void
  lost(): void
  onError(error: unknown): void
}

/**
 * Follows the client's sessions. `online` comes before stream management is enabled: what is sent in between
 * would not be acknowledged, so `begun` waits for it.
 *
 * @returns ends it.
 */
export function followSessions(client: XmppClient, steps: SessionSteps): () => void {
  const management = client.streamManagement
  let announced = false
  let settle: (() => void) | undefined
  let connection = 0

  const onNonza = (element: XmlElement): void => {
    const { name, namespace } = qualify(element)
    if (name === 'features') {
      announced = childElements(qualify(element)).some(
        (feature) => feature.namespace === NS_STREAM_MANAGEMENT,
      )
    } else if (namespace === NS_STREAM_MANAGEMENT && (name === 'enabled' || name === 'failed')) {
      // The client notes it in a step after this one.
      setTimeout(() => settle?.(), 0)
    }
  }
  const settled = async (): Promise<void> => {
    if (!management || management.enabled || !announced) return
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, MANAGEMENT_WAIT_MS)
      settle = () => {
        clearTimeout(timer)
        resolve()
      }
    })
    settle = undefined
  }
  const onOnline = (): void => {
    const begunIn = connection
    const lasts = () => begunIn === connection
    settled()
      .then(() => (lasts() ? steps.begun(lasts) : undefined))
      .catch(steps.onError)
  }
  const onDisconnect = (): void => {
    connection++
    settle?.()
    steps.lost()
  }
  const onResumed = (): void => steps.resumed()

  client.on('nonza', onNonza)
  client.on('online', onOnline)
  client.on('disconnect', onDisconnect)
  management?.on('resumed', onResumed)
  if (client.status === 'online') onOnline()
  return () => {
    connection++
    settle?.()
    client.removeListener('nonza', onNonza)
    client.removeListener('online', onOnline)
    client.removeListener('disconnect', onDisconnect)
    management?.removeListener('resumed', onResumed)
  }
}

/**
 * XEP-0280 §4: copies of what other own devices send and receive.
 *
 * @throws the client's stanza error where the server has none.
 */
export async function enableCarbons(client: XmppClient, xml: XmlFactory, id: string): Promise<void> {
  await client.iqCaller.request(xml('iq', { type: 'set', id }, xml('enable', { xmlns: NS_CARBONS })))
}
