import type { ReplayEntry } from '@keyhaven/channel/gateway'
import type { State } from '../platform/state/state.ts'
import type { DatabaseReplayStore } from './replay-database.ts'
import { MAX_BURNED_HASHES } from './replay-database.ts'
import { replayHashes } from './replay-hash.ts'
import type { ReplayEntries } from './replay-mark.ts'

export interface DurableReplayStore extends ReplayEntries {
  /** Reads what other processes burned. */
  refresh(): Promise<void>
}

/**
 * A fast store that forgets (memory, Redis), with the database for what must not be forgotten: requests that
 * were refused because their date lies ahead. Otherwise one of them could run after a restart, when its date
 * has come, although its sender was told that it never would.
 *
 * @param database - the store over the same database.
 */
export async function createDurableReplayStore(
  fast: ReplayEntries,
  database: DatabaseReplayStore,
  state: State,
  clock: () => number,
): Promise<DurableReplayStore> {
  /** Hashes in base64url, with their expiry. Few: only devices whose clock is ahead make them. */
  let burned = new Map<string, number>()

  const isBurned = (entry: ReplayEntry): boolean =>
    burned.size > 0 && replayHashes(entry).some((hash) => (burned.get(nameOf(hash)) ?? 0) > clock())

  async function refresh(): Promise<void> {
    const rows = await state.db
      .selectFrom('replay_entries')
      .selectAll()
      .where('expires_at', '>', clock())
      .execute()
    burned = new Map(rows.map((row) => [nameOf(row.entry_hash), Number(row.expires_at)]))
  }

  await refresh()
  return {
    insert: (entry) => (isBurned(entry) ? false : fast.insert(entry)),
    async burn(entry) {
      if (burned.size >= MAX_BURNED_HASHES) return undefined
      if (isBurned(entry) || !(await fast.insert(entry))) return false
      if (!(await database.insert(entry))) return false
      for (const hash of replayHashes(entry)) burned.set(nameOf(hash), entry.expiresAt)
      return true
    },
    has: async (entry) => isBurned(entry) || (await fast.has(entry)),
    refresh,
  }
}

function nameOf(hash: Uint8Array): string {
  return Buffer.from(hash).toString('base64url')
}
