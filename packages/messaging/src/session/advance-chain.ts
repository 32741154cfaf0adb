import { type Awaitable, type CryptoBackend, KeyhavenError } from '@keyhaven/crypto'
import { SKIP_WINDOW } from '../wire/limits.ts'
import { chain } from './chain.ts'
import { ratchetStep } from './ratchet.ts'
import type { ReceivingChain } from './receiving-record.ts'

export interface Advanced {
  readonly messageKey: Uint8Array
  /** The chain once the message has opened. */
  readonly after: ReceivingChain
}

const NOTHING_SKIPPED: ReadonlyMap<number, Uint8Array> = new Map()

/**
 * Finds the key of a message. Changes nothing: the caller stores `after` once the message has opened.
 *
 * @throws KeyhavenError `DUPLICATE` for a message whose key is used up, `SESSION_UNKNOWN` for one too far ahead.
 */
export function advanceChain(backend: CryptoBackend, before: ReceivingChain, n: number): Awaitable<Advanced> {
  if (n < before.next) {
    const messageKey = before.skipped.get(n)
    if (!messageKey) throw new KeyhavenError('DUPLICATE', 'this message was read already')
    const skipped = new Map(before.skipped)
    skipped.delete(n)
    return { messageKey, after: { ...before, skipped } }
  }
  if (n === before.next) {
    return chain(ratchetStep(backend, before.chainKey), ({ messageKey, nextChainKey }) => ({
      messageKey,
      after: { chainKey: nextChainKey, next: n + 1, skipped: before.skipped },
    }))
  }
  if (n - before.next > SKIP_WINDOW) {
    throw new KeyhavenError(
      'SESSION_UNKNOWN',
      `more than ${SKIP_WINDOW} messages are missing before this one`,
    )
  }
  return skipTo(backend, before, n)
}

async function skipTo(backend: CryptoBackend, before: ReceivingChain, n: number): Promise<Advanced> {
  const skipped = new Map(before.skipped.size === 0 ? NOTHING_SKIPPED : before.skipped)
  let { chainKey } = before
  for (let at = before.next; at < n; at++) {
    const step = ratchetStep(backend, chainKey)
    const { messageKey, nextChainKey } = step instanceof Promise ? await step : step
    skipped.set(at, messageKey)
    chainKey = nextChainKey
  }
  for (const oldest of skipped.keys()) {
    if (skipped.size <= SKIP_WINDOW) break
    skipped.delete(oldest)
  }
  const { messageKey, nextChainKey } = await ratchetStep(backend, chainKey)
  return { messageKey, after: { chainKey: nextChainKey, next: n + 1, skipped } }
}
