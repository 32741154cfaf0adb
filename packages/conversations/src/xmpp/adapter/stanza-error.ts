import { KeyhavenError } from '@keyhaven/crypto'
import { NS_CLIENT, NS_STANZA_ERROR } from '../codec/namespaces.ts'
import { childElements, childNamed, type QualifiedElement } from '../codec/xml-element.ts'

/** The condition of an error stanza (RFC 6120 §8.3.3), such as `item-not-found`. */
export function conditionOf(stanza: QualifiedElement): string | undefined {
  const error = childNamed(stanza, 'error', NS_CLIENT)
  if (!error) return undefined
  return childElements(error).find(({ name, namespace }) => namespace === NS_STANZA_ERROR && name !== 'text')
    ?.name
}

/** What a failed request of the client is here. */
export function requestError(error: unknown, what: string): KeyhavenError {
  if (error instanceof KeyhavenError) return error
  const condition = (error as { condition?: unknown } | undefined)?.condition
  return typeof condition === 'string'
    ? new KeyhavenError('UPSTREAM_REFUSED', `${what}: ${condition}`, { cause: error })
    : new KeyhavenError('UPSTREAM_FAILED', `${what}: no answer`, { cause: error })
}
