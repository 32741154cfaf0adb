import { CLOCK_SKEW_SECONDS } from '@keyhaven/channel/gateway'
import type { AnchorHead } from '../platform/anchor/anchor.ts'
import type { Db, DbTransaction } from '../platform/database/schema.ts'
import type { StateHeadTable } from '../platform/database/tables.ts'

const SKEW_MS = CLOCK_SKEW_SECONDS * 1_000

/**
 * Replay entries are not in a backup, so after a restore every date is refused that a request can have which
 * ran before. That is up to the skew ahead, but for a store in memory, which runs nothing before its date.
 *
 * @param present - names of the tables of the database that is about to be replaced.
 * @returns milliseconds since the epoch.
 */
export async function refusedAfterRestore(
  db: DbTransaction,
  present: ReadonlySet<string>,
  now: number,
): Promise<number> {
  const [head] = present.has('state_head')
    ? await db.selectFrom('state_head').select('restored_at').execute()
    : []
  const [store] = present.has('replay_store')
    ? await db.selectFrom('replay_store').select(['kind', 'since']).execute()
    : []
  const ran = store?.kind === 'memory' ? Math.max(now + 1, Number(store.since)) : now + SKEW_MS
  return Math.max(ran, Number(head?.restored_at ?? 0))
}

/**
 * The same after a recovery. Behind a restore nothing has run, so what that restore said holds. A database
 * that was set back in another way does not know its last replay store.
 */
export async function refusedAfterRecovery(
  db: Db,
  head: StateHeadTable,
  anchored: AnchorHead | undefined,
  now: number,
): Promise<number> {
  const last = await db
    .selectFrom('audit_entries')
    .select('action')
    .where('sequence', '=', head.audit_sequence)
    .executeTakeFirst()
  // Once a server has run, the anchor knows of the restore.
  const restored = last?.action === 'state.restore'
  const justRestored = restored && anchored !== undefined && head.audit_sequence > anchored.auditHead.sequence
  return justRestored ? head.restored_at : Math.max(head.restored_at, now + SKEW_MS)
}
