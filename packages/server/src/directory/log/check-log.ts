import { setImmediate as nextTurn } from 'node:timers/promises'
import { backend } from '@keyhaven/crypto'
import type { LogHead } from '@keyhaven/directory/log'
import { appendToPeaks, leafHash, rootOf } from '@keyhaven/directory/log'
import type { DirectoryLog } from './directory-log.ts'

/** Leaves hashed before others get a turn. */
const BATCH = 2_048

export interface LogVerdict {
  readonly valid: boolean
  readonly size: number
  /** As computed from the entries, 32 bytes. */
  readonly root: Uint8Array
}

/** Recomputes the root of a log from its entries, as of the head that it has now. */
export async function checkLog(log: DirectoryLog, applicationId: string): Promise<LogVerdict> {
  const { size, root } = await log.head(applicationId)
  let head: LogHead = { size: 0, peaks: [] }
  while (head.size < size) {
    const hashes: Uint8Array[] = []
    const leaves = await log.leaves(applicationId, head.size, Math.min(BATCH, size - head.size))
    for (const leaf of leaves) hashes.push(await leafHash(backend, leaf))
    const { size: grown, peaks } = await appendToPeaks(backend, head, hashes)
    head = { size: grown, peaks }
    await nextTurn()
  }
  const computed = await rootOf(backend, head.peaks)
  return { valid: Buffer.from(computed).equals(root), size, root: computed }
}
