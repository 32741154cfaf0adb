import { createHash } from 'node:crypto'
import type { ReplayEntry, ReplayStore } from '@keyhaven/channel/gateway'
import { CLOCK_SKEW_SECONDS, REPLAY_WINDOW_SECONDS } from '@keyhaven/channel/gateway'
import { KeyhavenError } from '@keyhaven/crypto'
import type { State } from '../platform/state/state.ts'
import type { DatabaseReplayStore } from './replay-database.ts'
import { replayHashes } from './replay-hash.ts'

/** How often burned entries of other processes are read, and the mark is renewed. */
export const BURNED_REFRESH_MS = 1_000
const MARK_RENEW_MS = 30_000
/**
 * Burned hashes in all; beyond it a request dated ahead is answered `STORE_UNAVAILABLE`. They live up to a day and are
 * read each second, and whoever has the public key can make them.
 */
export const MAX_BURNED_HASHES = 20_000
const MS_PER_SECOND = 1_000
/** Expires when nothing can come again that a store in memory has run. */
const MARK_LIFE_MS = MARK_RENEW_MS + (REPLAY_WINDOW_SECONDS + CLOCK_SKEW_SECONDS) * MS_PER_SECOND
/** Row of `replay_entries` that says: entries are kept outside the database. No entry hashes to it: it has no zero byte. */
const MARK_HASH: Uint8Array = createHash('sha256').update('entries outside the database').digest()

export interface DurableReplayStore extends ReplayStore {
  /** Reads what other processes burned, and renews the mark when it is time. */
  refresh(): Promise<void>
}

/**
 * A fast store that forgets (memory, Redis), with the database for what must not be forgotten: requests that were
 * refused because their date lies ahead. Otherwise one of them could run after a restart, when its date has come,
 * although its sender was told that it never would.
 *
 * @param database - the store over the same database.
 */
export async function createDurableReplayStore(
  fast: ReplayStore,
  database: DatabaseReplayStore,
  state: State,
  clock: () => number,
): Promise<DurableReplayStore> {
  /** Hashes in base64url, with their expiry. Few: only devices whose clock is ahead make them. */
  let burned = new Map<string, number>()
  let markRenewedAt = Number.NEGATIVE_INFINITY

  const isBurned = (entry: ReplayEntry): boolean =>
    burned.size > 0 && replayHashes(entry).some((hash) => (burned.get(nameOf(hash)) ?? 0) > clock())

  async function refresh(): Promise<void> {
    const now = clock()
    const rows = await state.db
      .selectFrom('replay_entries')
      .selectAll()
      .where('expires_at', '>', now)
      .execute()
    burned = new Map(rows.map((row) => [nameOf(row.entry_hash), Number(row.expires_at)]))
    if (now - markRenewedAt < MARK_RENEW_MS) return
    await state.db
      .insertInto('replay_entries')
      .values({ entry_hash: MARK_HASH, expires_at: now + MARK_LIFE_MS })
      .onConflict((conflict) => conflict.column('entry_hash').doUpdateSet({ expires_at: now + MARK_LIFE_MS }))
      .execute()
    markRenewedAt = now
  }

  await refresh()
  return {
    get refusesBefore() {
      return fast.refusesBefore
    },
    insert: (entry) => (isBurned(entry) ? false : fast.insert(entry)),
    async burn(entry) {
      if (burned.size >= MAX_BURNED_HASHES) {
        throw new KeyhavenError('STORE_UNAVAILABLE', 'too many requests dated ahead')
      }
      if (isBurned(entry) || !(await fast.insert(entry))) return false
      if (!(await database.insert(entry))) return false
      for (const hash of replayHashes(entry)) burned.set(nameOf(hash), entry.expiresAt)
      return true
    },
    has: async (entry) => isBurned(entry) || (await fast.has(entry)),
    refresh,
  }
}

/**
 * Whether a process may have kept entries outside the database so lately that a request which it ran could come again:
 * then a store in the database must refuse what is dated before its own start.
 */
export async function entriesWereElsewhere(state: State, now: number): Promise<boolean> {
  const mark = await state.db
    .selectFrom('replay_entries')
    .select('expires_at')
    .where('entry_hash', '=', MARK_HASH)
    .executeTakeFirst()
  return mark !== undefined && Number(mark.expires_at) > now
}

function nameOf(hash: Uint8Array): string {
  return Buffer.from(hash).toString('base64url')
}
