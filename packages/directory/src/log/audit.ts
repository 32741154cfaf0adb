import { equalConstantTime, KeyhavenError } from '@keyhaven/crypto'
import { appendToPeaks, type LogHead, rootOf } from './peaks.ts'
import { leafHash, type TreeHasher } from './tree-hash.ts'

/** What a whole log is checked against: from a checkpoint. */
export interface AuditedHead {
  readonly size: number
  readonly root: Uint8Array
}

/**
 * Recomputes the root of a whole log from its entries, as an auditor does; it keeps only the peaks, whatever
 * the size.
 *
 * @param bundles - all entries from the first on, in groups of any size: decoded entry bundles.
 * @param visit - is given each entry and its index, for instance to look for one's own label.
 * @throws KeyhavenError `LOG_INCONSISTENT` if there are more or fewer entries than the checkpoint says, or
 * their root is another; also what `bundles` and `visit` throw.
 */
export async function auditLog(
  hasher: TreeHasher,
  bundles: AsyncIterable<readonly Uint8Array[]> | Iterable<readonly Uint8Array[]>,
  expected: AuditedHead,
  visit?: (entry: Uint8Array, index: number) => void,
): Promise<void> {
  let head: LogHead = { size: 0, peaks: [] }
  for await (const entries of bundles) {
    if (entries.length > expected.size - head.size)
      throw inconsistent('more entries than its checkpoint says')
    const hashes: Uint8Array[] = []
    for (const [at, entry] of entries.entries()) {
      visit?.(entry, head.size + at)
      const hash = leafHash(hasher, entry)
      hashes.push(hash instanceof Promise ? await hash : hash)
    }
    const { size, peaks } = await appendToPeaks(hasher, head, hashes)
    head = { size, peaks }
  }
  if (head.size !== expected.size) throw inconsistent('fewer entries than its checkpoint says')
  if (!equalConstantTime(await rootOf(hasher, head.peaks), expected.root)) throw inconsistent('another root')
}

function inconsistent(why: string): KeyhavenError {
  return new KeyhavenError('LOG_INCONSISTENT', `the log has ${why}`)
}
