import type { ReplayEntry, ReplayStore } from '@keyhaven/channel/gateway'
import { CLOCK_SKEW_SECONDS } from '@keyhaven/channel/gateway'
import { isUniqueViolation, toStoreError } from '../platform/database/store-error.ts'
import type { State } from '../platform/state/state.ts'
import { replayHashes } from './replay-hash.ts'

/** Rows of one clean-up statement: a longer one would hold up SQLite's only writer. */
const PRUNE_ROWS = 2_000
const MS_PER_SECOND = 1_000

export interface DatabaseReplayStore extends ReplayStore {
  /** Forgets what has expired. */
  prune(now: number): Promise<void>
}

/**
 * Replay protection for several processes on one database: an entry is durable before the request runs.
 *
 * @param since - milliseconds: entries of requests that ran before were kept elsewhere and are not here; 0 if none.
 */
export function createDatabaseReplayStore(state: State, since = 0): DatabaseReplayStore {
  const { db, restoredAt } = state
  // What was accepted before a restore could have been dated ahead by the skew.
  const restoredUntil = restoredAt === 0 ? 0 : restoredAt + CLOCK_SKEW_SECONDS * MS_PER_SECOND

  async function insert(entry: ReplayEntry): Promise<boolean> {
    const rows = replayHashes(entry).map((hash) => ({ entry_hash: hash, expires_at: entry.expiresAt }))
    try {
      // One statement: both rows or none, on both engines.
      await db.insertInto('replay_entries').values(rows).execute()
      return true
    } catch (error) {
      if (isUniqueViolation(error)) return false
      throw toStoreError(error)
    }
  }

  return {
    refusesBefore: Math.max(restoredUntil, since),
    insert,
    burn: insert,

    async has(entry) {
      const found = await db
        .selectFrom('replay_entries')
        .select('expires_at')
        .where('entry_hash', 'in', [...replayHashes(entry)])
        .executeTakeFirst()
      return found !== undefined
    },

    async prune(now) {
      let removed: number
      do {
        const result = await db
          .deleteFrom('replay_entries')
          .where('entry_hash', 'in', (query) =>
            query
              .selectFrom('replay_entries')
              .select('entry_hash')
              .where('expires_at', '<', now)
              .limit(PRUNE_ROWS),
          )
          .executeTakeFirst()
        removed = Number(result.numDeletedRows)
      } while (removed === PRUNE_ROWS)
    },
  }
}
