import { backend, KeyhavenError } from '@keyhaven/crypto'
import type { AppendedLog } from '@keyhaven/directory/log'
import { appendToPeaks, HASH_BYTES, leafHash, signCheckpoint } from '@keyhaven/directory/log'
import { LOG_CHANGE_PREFIX } from '../../platform/anchor/absorb-state.ts'
import type { DbTransaction, Dialect } from '../../platform/database/schema.ts'
import type { StateTransaction } from '../../platform/state/state.ts'
import type { LogHeadsTable } from '../tables.ts'
import type { LogKeys } from './log-keys.ts'

const MS_PER_SECOND = 1_000
const ROWS_PER_INSERT = 1_000

/** The row that orders all appends to one log; locked to the end of the transaction. */
export async function lockLogHead(
  db: DbTransaction,
  dialect: Dialect,
  applicationId: string,
): Promise<LogHeadsTable | undefined> {
  return db
    .selectFrom('log_heads')
    .selectAll()
    .where('application_id', '=', applicationId)
    .$if(dialect === 'postgres', (query) => query.forUpdate())
    .executeTakeFirst()
}

/**
 * Appends leaves in the caller's transaction, signs the new checkpoint, and tells the anchor: a process that appends
 * at the same time waits for the head's row, so the log never forks.
 *
 * @returns the position of the first leaf.
 * @throws KeyhavenError `NOT_FOUND` if the application has no log.
 */
export async function appendLeaves(
  transaction: StateTransaction,
  dialect: Dialect,
  applicationId: string,
  keys: Pick<LogKeys, 'signer'>,
  leaves: readonly Uint8Array[],
): Promise<number> {
  const { db, now } = transaction
  const head = await lockLogHead(db, dialect, applicationId)
  if (head === undefined) throw new KeyhavenError('NOT_FOUND', 'the application has no directory')
  const grown = await storeLeaves(db, head, leaves)
  const { size, root, peaks } = grown
  const checkpoint = await signCheckpoint(
    backend,
    keys.signer,
    { size, root },
    Math.floor(now / MS_PER_SECOND),
  )
  await db
    .updateTable('log_heads')
    .set({ size, root, peaks: Buffer.concat(peaks), checkpoint, checkpoint_at: now })
    .where('application_id', '=', applicationId)
    .execute()
  transaction.effects.logs.set(applicationId, { applicationId, size, root })
  transaction.changed(`${LOG_CHANGE_PREFIX}${applicationId}`)
  return head.size
}

/** Writes leaves and the nodes that they complete; the head's row is the caller's to write. */
export async function storeLeaves(
  db: DbTransaction,
  head: Pick<LogHeadsTable, 'application_id' | 'size' | 'peaks'>,
  leaves: readonly Uint8Array[],
): Promise<AppendedLog> {
  const { application_id, size } = head
  const hashes: Uint8Array[] = []
  for (const leaf of leaves) hashes.push(await leafHash(backend, leaf))
  const grown = await appendToPeaks(backend, { size, peaks: splitHashes(head.peaks) }, hashes)
  const entries = leaves.map((leaf, at) => ({ application_id, position: size + at, leaf }))
  for (let at = 0; at < entries.length; at += ROWS_PER_INSERT) {
    await db
      .insertInto('log_entries')
      .values(entries.slice(at, at + ROWS_PER_INSERT))
      .execute()
  }
  const nodes = grown.nodes.map((node) => ({
    application_id,
    level: node.level,
    position: node.index,
    hash: node.hash,
  }))
  for (let at = 0; at < nodes.length; at += ROWS_PER_INSERT) {
    await db
      .insertInto('log_nodes')
      .values(nodes.slice(at, at + ROWS_PER_INSERT))
      .execute()
  }
  return grown
}

export function splitHashes(bytes: Uint8Array): Uint8Array[] {
  return Array.from(
    { length: bytes.length / HASH_BYTES },
    (_, at) => new Uint8Array(bytes.subarray(at * HASH_BYTES, (at + 1) * HASH_BYTES)),
  )
}
