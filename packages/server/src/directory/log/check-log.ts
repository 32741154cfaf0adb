import { setImmediate as nextTurn } from 'node:timers/promises'
import { backend, KeyhavenError } from '@keyhaven/crypto'
import type { LogHead, LogNode } from '@keyhaven/directory/log'
import { appendToPeaks, leafHash, rootOf } from '@keyhaven/directory/log'
import { MissingNode } from '../../platform/anchor/check-logs.ts'
import type { DirectoryLog } from './directory-log.ts'

/** Leaves hashed before others get a turn. */
const BATCH = 2_048
/** Nodes read by one query. */
const NODES_BATCH = 512

export interface LogVerdict {
  readonly valid: boolean
  readonly size: number
  /** As computed from the entries, 32 bytes. */
  readonly root: Uint8Array
}

/**
 * Recomputes a log from its entries, as of the head that it has now: the root, the nodes that proofs are made of, and
 * the peaks that the next entry is hashed onto.
 */
export async function checkLog(log: DirectoryLog, applicationId: string): Promise<LogVerdict> {
  const { size, root, peaks: storedPeaks } = await log.head(applicationId)
  let nodesHold = true
  let head: LogHead = { size: 0, peaks: [] }
  while (head.size < size) {
    const hashes: Uint8Array[] = []
    const leaves = await readLeaves(log, applicationId, head.size, Math.min(BATCH, size - head.size))
    if (leaves === undefined) return { valid: false, size, root: await rootOf(backend, head.peaks) }
    for (const leaf of leaves) hashes.push(await leafHash(backend, leaf))
    const { size: grown, peaks, nodes } = await appendToPeaks(backend, head, hashes)
    nodesHold &&= await areStored(log, applicationId, nodes)
    head = { size: grown, peaks }
    await nextTurn()
  }
  const computed = await rootOf(backend, head.peaks)
  const headHolds = Buffer.from(computed).equals(root) && Buffer.concat(head.peaks).equals(storedPeaks)
  return { valid: headHolds && nodesHold, size, root: computed }
}

/** @returns undefined if one is missing. */
async function readLeaves(log: DirectoryLog, applicationId: string, from: number, count: number) {
  try {
    return await log.leaves(applicationId, from, count)
  } catch (error) {
    if (error instanceof KeyhavenError && error.code === 'NOT_FOUND') return undefined
    throw error
  }
}

async function areStored(
  log: DirectoryLog,
  applicationId: string,
  nodes: readonly LogNode[],
): Promise<boolean> {
  const stored = log.nodes(applicationId)
  for (let from = 0; from < nodes.length; from += NODES_BATCH) {
    const expected = nodes.slice(from, from + NODES_BATCH)
    try {
      const hashes = await stored.read(expected)
      if (expected.some(({ hash }, at) => !Buffer.from(hash).equals(hashes[at]!))) return false
    } catch (error) {
      if (error instanceof MissingNode) return false
      throw error
    }
  }
  return true
}
