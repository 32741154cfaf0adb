import { NS_CLIENT, NS_DELAY, NS_FORWARD } from '../codec/namespaces.ts'
import { childElements, childNamed, childrenNamed, type QualifiedElement } from '../codec/xml-element.ts'

/** A message within another one (XEP-0297), and when it was first sent as the forwarder says. */
export interface Forwarded {
  readonly message: QualifiedElement
  readonly delayedSince: Date | undefined
}

/** @returns undefined unless there is exactly one message in exactly one `<forwarded/>`. */
export function readForwarded(parent: QualifiedElement): Forwarded | undefined {
  const [forwarded, second] = childrenNamed(parent, 'forwarded', NS_FORWARD)
  if (!forwarded || second) return undefined
  const stanzas = childElements(forwarded).filter(({ namespace }) => namespace === NS_CLIENT)
  const [message] = stanzas
  if (!message || stanzas.length !== 1 || message.name !== 'message') return undefined
  return { message, delayedSince: readDelay(forwarded) }
}

/** XEP-0203. */
export function readDelay(parent: QualifiedElement): Date | undefined {
  const stamp = childNamed(parent, 'delay', NS_DELAY)?.element.attrs.stamp
  if (stamp === undefined) return undefined
  const date = new Date(stamp)
  return Number.isNaN(date.getTime()) ? undefined : date
}
