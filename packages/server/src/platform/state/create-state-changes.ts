import type { DatabaseSync } from 'node:sqlite'
import { KeyhavenError } from '@keyhaven/crypto'
import type { Db } from '../database/schema.ts'
import { toStoreError } from '../database/store-error.ts'
import { EVERYTHING } from './commit-effects.ts'
import type { StateChanges } from './state-changes.ts'

/** A process that has not asked for this long asks before it answers. */
export const FRESH_FOR_MS = 1_000
export const POLL_INTERVAL_MS = 250
/** Change rows read at once; more than that and everything is forgotten. */
const MAX_CHANGES = 2_000

/** {@link StateChanges} that also hears at once of what this process commits itself. */
export interface LocalStateChanges extends StateChanges {
  announce(applicationIds: Iterable<string>): void
  stop(): void
}

export interface StateChangesOptions {
  readonly db: Db
  /** SQLite: a connection that sees commits of all others through `pragma data_version`. */
  readonly reader?: DatabaseSync
  readonly version: number
  /** Milliseconds that never go back. */
  readonly monotonic: () => number
  /** Runs after each poll, also a failed one. */
  readonly onPoll?: (error: unknown) => void
}

export function createStateChanges(options: StateChangesOptions): LocalStateChanges {
  const { db, monotonic } = options
  const listeners = new Set<(applicationId: string | undefined) => void>()
  const source = options.reader === undefined ? databaseSource(db) : sqliteSource(options.reader)
  let version = options.version
  let lastConfirmedAt = Number.NEGATIVE_INFINITY
  let running: Promise<void> | undefined
  let next: Promise<void> | undefined
  let timer: NodeJS.Timeout | undefined
  /** Stays: only a start compares the database with the anchor, and so tells whether it may be used again. */
  let rolledBack: KeyhavenError | undefined

  const emit = (applicationId: string | undefined): void => {
    for (const listener of listeners) listener(applicationId)
  }

  const ask = async (): Promise<void> => {
    if (rolledBack !== undefined) throw rolledBack
    const askedAt = monotonic()
    const found = await source(version)
    if (found !== undefined) {
      if (found.version < version) {
        rolledBack = new KeyhavenError(
          'STATE_ROLLED_BACK',
          `the database went back from change ${version} to ${found.version}`,
        )
        lastConfirmedAt = Number.NEGATIVE_INFINITY
        emit(undefined)
        throw rolledBack
      }
      version = found.version
      for (const applicationId of found.applicationIds ?? [EVERYTHING]) {
        emit(applicationId === EVERYTHING ? undefined : applicationId)
      }
    }
    lastConfirmedAt = Math.max(lastConfirmedAt, askedAt)
  }

  /**
   * Answers a question that is asked after this call: one that is under way may have missed the latest
   * commit.
   */
  const refresh = (): Promise<void> => {
    if (running === undefined) {
      running = ask().finally(() => {
        running = undefined
      })
      return running
    }
    next ??= running
      .catch(() => {})
      .then(() => {
        next = undefined
        return refresh()
      })
    return next
  }

  const poll = (): void => {
    const again = (error: unknown): void => {
      // Stopped: nobody looks any more, and the database may be closed.
      if (timer === undefined) return
      options.onPoll?.(error)
      timer = setTimeout(poll, POLL_INTERVAL_MS).unref()
    }
    refresh().then(() => again(undefined), again)
  }
  timer = setTimeout(poll, POLL_INTERVAL_MS).unref()

  return {
    get version() {
      return version
    },
    get lastConfirmedAt() {
      return lastConfirmedAt
    },
    onChange(listener) {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    refresh,
    confirmFresh: () => (monotonic() - lastConfirmedAt <= FRESH_FOR_MS ? undefined : refresh()),
    announce(applicationIds) {
      for (const applicationId of applicationIds)
        emit(applicationId === EVERYTHING ? undefined : applicationId)
    },
    stop() {
      clearTimeout(timer)
      timer = undefined
    },
  }
}

/** Undefined: nothing changed. Without application ids: too much changed to name it. */
type ChangeSource = (
  known: number,
) => Promise<{ version: number; applicationIds?: readonly string[] } | undefined>

function databaseSource(db: Db): ChangeSource {
  return async (known) => {
    const head = await db
      .selectFrom('state_head')
      .select('version')
      .where('id', '=', 1)
      .executeTakeFirstOrThrow()
    if (head.version === known) return undefined
    const rows = await db
      .selectFrom('state_changes')
      .selectAll()
      .where('version', '>', known)
      .where('version', '<=', head.version)
      .orderBy('version')
      .limit(MAX_CHANGES)
      .execute()
    return named(known, head.version, rows)
  }
}

/** Microseconds, without a promise in between, and it waits for no transaction of this process. */
function sqliteSource(reader: DatabaseSync): ChangeSource {
  const dataVersion = reader.prepare('pragma data_version')
  const head = reader.prepare('select version from state_head where id = 1')
  const changes = reader.prepare(
    'select version, application_id from state_changes where version > ? and version <= ? order by version limit ?',
  )
  let seen: unknown
  return async (known) => {
    try {
      const now = dataVersion.get()?.data_version
      if (now === seen) return undefined
      const version = Number(head.get()?.version)
      const rows =
        version === known
          ? undefined
          : (changes.all(known, version, MAX_CHANGES) as { version: number; application_id: string }[])
      seen = now
      return rows && named(known, version, rows)
    } catch (error) {
      throw toStoreError(error)
    }
  }
}

function named(known: number, version: number, rows: readonly { version: number; application_id: string }[]) {
  // Each version has at least one row: a gap at the front was pruned, a missing end was cut by the limit.
  const complete =
    rows[0]?.version === known + 1 && rows.at(-1)?.version === version && rows.length < MAX_CHANGES
  return complete ? { version, applicationIds: rows.map((row) => row.application_id) } : { version }
}
