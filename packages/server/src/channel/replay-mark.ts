import { setTimeout as delay } from 'node:timers/promises'
import type { ReplayEntry, ReplayStore } from '@keyhaven/channel/gateway'
import {
  FUTURE_HOLD_MAX_SECONDS,
  PROCESS_CLOCKS_SECONDS,
  REPLAY_WINDOW_SECONDS,
} from '@keyhaven/channel/gateway'
import { KeyhavenError } from '@keyhaven/crypto'
import type { Db } from '../platform/database/schema.ts'
import { toStoreError } from '../platform/database/store-error.ts'
import type { State } from '../platform/state/state.ts'

export type ReplayKind = 'memory' | 'database' | 'redis'

/** Where entries are kept. Which dates are refused is the mark's to say. */
export type ReplayEntries = Omit<ReplayStore, 'refusesBefore'>

const MS_PER_SECOND = 1_000
/** How often a process says that its store is in use. */
export const MARK_RENEW_MS = 1_000
/** A process that could not say so for this long runs nothing. */
const MARK_VALID_MS = 3_000
const PROCESS_CLOCKS_MS = PROCESS_CLOCKS_SECONDS * MS_PER_SECOND
/** After it every process of the old store runs nothing, whichever clock is right. */
export const MARK_LEASE_MS = MARK_VALID_MS + PROCESS_CLOCKS_MS
/** No request that the old store let through is dated later than this after another store took its place. */
export const MARK_CHANGE_MS = MARK_VALID_MS + FUTURE_HOLD_MAX_SECONDS * MS_PER_SECOND + PROCESS_CLOCKS_MS
const WINDOW_MS = REPLAY_WINDOW_SECONDS * MS_PER_SECOND
const ROW_ID = 1
/** Refuses no date, but is not 0: such a store runs nothing ahead of its date, since it can forget. */
const BEFORE_ALL_DATES = 1
/** Others of the same store may change the row meanwhile. */
const MAX_ATTEMPTS = 5
const PLACES: Readonly<Record<ReplayKind, string>> = {
  memory: 'memory',
  database: 'the database',
  redis: 'Redis',
}

/**
 * Says in the database which replay store is in use, so that servers with different ones never run the same
 * request.
 */
export interface ReplayMark {
  /** Milliseconds: requests dated earlier may be in a store that is gone. The same for all processes. */
  readonly refusesBefore: number
  /** Not renewed in time, as by a process that slept: {@link renew} may make it good. */
  readonly isStale: boolean
  /** @throws KeyhavenError `STORE_UNAVAILABLE` unless the store is certainly the one in use. */
  check(): void
  /** @throws KeyhavenError `CONFIG_INVALID` if another store is in use; `STORE_UNAVAILABLE`. */
  renew(): Promise<void>
  /**
   * Lets another store be used at once; this mark renews nothing any more. Another process of this store takes it back
   * within {@link MARK_RENEW_MS}.
   */
  release(): Promise<void>
}

/**
 * Takes the mark for a store, from a store that nobody uses any more if need be.
 *
 * @param identity - of what the store remembers: another one if it has forgotten; undefined while it is not
 *   known.
 * @throws as {@link ReplayMark.renew}.
 */
export async function createReplayMark(
  { db, restoredAt }: State,
  kind: ReplayKind,
  identity: () => string | undefined,
  clock: () => number,
): Promise<ReplayMark> {
  let held: string | undefined
  let renewedAt = Number.NEGATIVE_INFINITY
  let since = Number.POSITIVE_INFINITY
  let renewing: Promise<void> = Promise.resolve()
  let released = false

  const renewRow = (mine: string, at: number) =>
    db
      .updateTable('replay_store')
      .set({ renewed_at: at })
      .where('kind', '=', kind)
      .where('identity', '=', mine)
      .returning('since')
      .executeTakeFirst()

  /**
   * Puts this store into the row, if it may. Another process can do the same at once: then one of them does
   * it.
   */
  async function replaceRow(mine: string, now: number): Promise<void> {
    const row = await db.selectFrom('replay_store').selectAll().executeTakeFirst()
    const fresh = { kind, identity: mine, renewed_at: now }
    if (row === undefined) {
      // What is kept in the database needs no beginning: it does not forget.
      const first = (await nothingRan(db)) ? BEFORE_ALL_DATES : now + 1
      await db
        .insertInto('replay_store')
        .values({ id: ROW_ID, ...fresh, since: kind === 'database' ? 0 : first })
        .onConflict((conflict) => conflict.column('id').doNothing())
        .execute()
      return
    }
    // Another process of this store was faster.
    if (row.kind === kind && row.identity === mine) return
    // A single process has its store in memory, and the lock on the data folder shows that it has ended.
    const ended = row.kind === 'memory'
    if (!ended && row.identity !== held && Number(row.renewed_at) + MARK_LEASE_MS > now) {
      throw anotherStore(row.kind, kind)
    }
    await db
      .updateTable('replay_store')
      .set({ ...fresh, since: Math.max(Number(row.since), now + (ended ? 1 : MARK_CHANGE_MS)) })
      .where('identity', '=', row.identity)
      .where('renewed_at', '=', row.renewed_at)
      .execute()
  }

  async function take(): Promise<void> {
    const mine = identity()
    if (mine === undefined) return
    const now = clock()
    try {
      for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
        const row = await renewRow(mine, now)
        if (row !== undefined) {
          held = mine
          renewedAt = now
          since = Number(row.since)
          return
        }
        await replaceRow(mine, now)
      }
    } catch (error) {
      if (error instanceof KeyhavenError) renewedAt = Number.NEGATIVE_INFINITY
      throw toStoreError(error)
    }
    throw new KeyhavenError('STORE_UNAVAILABLE', 'several processes change the replay store at once')
  }

  const renew = async (): Promise<void> => {
    // A round that was under way when the process was told to end.
    if (released) return
    renewing = take()
    await renewing
  }

  const isStale = () => kind !== 'memory' && clock() - renewedAt >= MARK_VALID_MS

  await renew()
  return {
    get refusesBefore() {
      const earliest = Math.max(since, restoredAt)
      // As old as that, a date is refused anyway; entries in the database then do for dates ahead, too.
      return kind === 'database' && earliest + WINDOW_MS < clock() ? 0 : earliest
    },
    get isStale() {
      return isStale()
    },
    check() {
      if (isStale() || held === undefined || held !== identity()) {
        throw new KeyhavenError('STORE_UNAVAILABLE', 'it is not certain that this replay store is in use')
      }
    },
    renew,
    async release() {
      released = true
      await renewing.catch(() => {})
      // Without the database it expires by itself.
      if (held !== undefined) await renewRow(held, 0).catch(() => {})
    },
  }
}

/** No call can have been opened before there was a key. A revoked one leaves its record. */
async function nothingRan(db: Db): Promise<boolean> {
  return (await db.selectFrom('managed_keys').select('id').limit(1).executeTakeFirst()) === undefined
}

export interface MarkedReplayStore extends ReplayStore {
  /**
   * Milliseconds until calls that are dated then are no longer refused; 0: it takes those of now. Dates are
   * whole seconds, so that the second in which a store began is refused to its end.
   */
  takesCallsIn(): number
  /**
   * @throws KeyhavenError `STORE_UNAVAILABLE` with the reason, while calls cannot run for the store's sake:
   *   it is not certainly the one in use, or so new that it refuses what is dated now.
   */
  checkReady(): void
}

/**
 * A store that runs nothing unless it is the one in use, before and after it has taken an entry. A process that slept
 * looks around before it refuses.
 *
 * @param look - reads what other processes burned, then renews the mark.
 */
export function createMarkedReplayStore(
  entries: ReplayEntries,
  mark: ReplayMark,
  clock: () => number,
  look: () => Promise<void>,
): MarkedReplayStore {
  let looking: Promise<void> | undefined

  /** One for all calls that wait for it, and none waits long. What failed is said by the check. */
  const lookAround = async (): Promise<void> => {
    looking ??= look()
      .catch(() => {})
      .finally(() => {
        looking = undefined
      })
    await Promise.race([looking, delay(MARK_RENEW_MS, undefined, { ref: false })])
  }
  const checked = <T>(add: (entry: ReplayEntry) => T | Promise<T>) => {
    const run = (entry: ReplayEntry): T | Promise<T> => {
      mark.check()
      const adding = add(entry)
      if (!(adding instanceof Promise)) return adding
      return adding.then((added) => {
        mark.check()
        return added
      })
    }
    return (entry: ReplayEntry) => (mark.isStale ? lookAround().then(() => run(entry)) : run(entry))
  }
  const takesCallsIn = () => {
    const firstDate = Math.ceil(mark.refusesBefore / MS_PER_SECOND) * MS_PER_SECOND
    return Math.max(0, firstDate - clock())
  }
  return {
    get refusesBefore() {
      return mark.refusesBefore
    },
    insert: checked((entry) => entries.insert(entry)),
    ...(entries.burn && { burn: checked((entry) => entries.burn!(entry)) }),
    has: (entry) => entries.has(entry),
    takesCallsIn,
    checkReady() {
      mark.check()
      const wait = takesCallsIn()
      if (wait === 0) return
      const seconds = Math.ceil(wait / MS_PER_SECOND)
      throw new KeyhavenError(
        'STORE_UNAVAILABLE',
        `the replay store is new: for ${seconds} second${seconds === 1 ? '' : 's'} more it cannot know ` +
          'which calls ran before',
      )
    },
  }
}

function anotherStore(theirs: ReplayKind, mine: ReplayKind): KeyhavenError {
  const place = theirs === mine ? `another ${PLACES[theirs]}` : PLACES[theirs]
  return new KeyhavenError(
    'CONFIG_INVALID',
    `servers on this database keep replay entries in ${place}, this one in ${PLACES[mine]}: give all of ` +
      'them the same KEYHAVEN_REDIS_URL, or none; to change it, stop them all first (after a crash, wait ' +
      `${MARK_LEASE_MS / MS_PER_SECOND} seconds)`,
  )
}
