import { CLOCK_SKEW_SECONDS, REPLAY_WINDOW_SECONDS } from '@keyhaven/channel/gateway'
import { isUniqueViolation, toStoreError } from '../platform/database/store-error.ts'
import type { State } from '../platform/state/state.ts'
import { replayHashes } from './replay-hash.ts'
import type { ReplayEntries } from './replay-mark.ts'

/** Rows of one clean-up statement: a longer one would hold up SQLite's only writer. */
const PRUNE_ROWS = 2_000
/**
 * Hashes of requests dated ahead that are kept; they live up to a day, and whoever has the public key can
 * make them.
 */
export const MAX_BURNED_HASHES = 20_000
const BURNED_COUNT_MS = 1_000
const MS_PER_SECOND = 1_000
/** A request that may run expires by then, so what expires later was burned. */
const ORDINARY_LIFE_MS = (REPLAY_WINDOW_SECONDS + 2 * CLOCK_SKEW_SECONDS) * MS_PER_SECOND

export interface DatabaseReplayStore extends ReplayEntries {
  burn: NonNullable<ReplayEntries['burn']>
  /** Forgets what has expired. */
  prune(now: number): Promise<void>
}

/** Replay entries of several processes in one database: an entry is durable before the request runs. */
export function createDatabaseReplayStore({ db }: State, clock: () => number): DatabaseReplayStore {
  let burned = 0
  let countedAt = Number.NEGATIVE_INFINITY

  async function insert(entry: Parameters<ReplayEntries['insert']>[0]): Promise<boolean> {
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

  async function countBurned(now: number): Promise<void> {
    countedAt = now
    const row = await db
      .selectFrom('replay_entries')
      .select((select) => select.fn.countAll().as('rows'))
      .where('expires_at', '>', now + ORDINARY_LIFE_MS)
      .executeTakeFirstOrThrow()
    burned = Number(row.rows)
  }

  return {
    insert,

    async burn(entry) {
      const now = clock()
      if (now - countedAt >= BURNED_COUNT_MS) await countBurned(now)
      if (burned >= MAX_BURNED_HASHES) return undefined
      burned += replayHashes(entry).length
      return insert(entry)
    },

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
