import { createHash } from 'node:crypto'
import type { ReplayEntry } from '@keyhaven/channel/gateway'

/** What a shared store remembers of one request: one hash or two, in an order that is the same for all. */
export function replayHashes(entry: ReplayEntry): readonly Buffer[] {
  const key = replayHash(entry.applicationId, 'enc', entry.encapsulatedKey)
  if (entry.requestId === undefined) return [key]
  const id = replayHash(entry.applicationId, 'id', entry.requestId)
  // Two processes that insert the same two rows must take them in the same order.
  return Buffer.compare(key, id) < 0 ? [key, id] : [id, key]
}

// application id | 0x00 | kind | 0x00 | value: an application id and a kind hold no zero byte
function replayHash(applicationId: string, kind: 'enc' | 'id', value: Uint8Array | string): Buffer {
  return createHash('sha256').update(`${applicationId}\0${kind}\0`).update(value).digest()
}
