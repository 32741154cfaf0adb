import { KeyhavenError } from '@keyhaven/crypto'
import type { Anchor } from '../anchor/anchor.ts'
import type { Db, Dialect } from '../database/schema.ts'
import { isSerializationFailure } from '../database/store-error.ts'
import type { CommittedEffects } from './commit-effects.ts'
import { commitEffects, MasterKeyReplaced } from './commit-effects.ts'
import type { StateTransaction, TransactionEffects } from './state.ts'

const MAX_ATTEMPTS = 5

export interface TransactionRunnerOptions {
  readonly db: Db
  readonly dialect: Dialect
  readonly anchor: Anchor
  readonly clock: () => number
  readonly useMasterKey: (masterKeyId: string) => void
  readonly announce: (applicationIds: Iterable<string>) => void
}

/**
 * Runs transactions so that their effects are in the database, then in the anchor, then known here; then it
 * answers.
 */
export function createTransactionRunner(
  options: TransactionRunnerOptions,
): <T>(work: (transaction: StateTransaction) => Promise<T>) => Promise<T> {
  const { db, dialect, anchor, clock } = options
  /** Committed, but not in the anchor yet because it could not be written. */
  const owed: CommittedEffects[] = []

  const advanceAnchor = (committed: CommittedEffects): void => {
    owed.push(committed)
    try {
      for (;;) {
        const next = owed[0]
        if (next === undefined) return
        anchor.advance(next.installation, next.advance)
        owed.shift()
      }
    } catch (error) {
      throw new KeyhavenError(
        'STORE_UNAVAILABLE',
        'the change is stored, but the rollback anchor cannot be written',
        {
          cause: error,
        },
      )
    }
  }

  return async (work) => {
    for (let attempt = 1; ; attempt++) {
      const effects = emptyEffects()
      try {
        const now = clock()
        const [result, committed] = await db.transaction().execute(async (transaction) => {
          const value = await work(createStateTransaction(transaction, now, effects))
          return [value, await commitEffects(transaction, dialect, effects, now)] as const
        })
        try {
          if (committed !== undefined) advanceAnchor(committed)
        } finally {
          options.announce(effects.changed)
        }
        for (const after of effects.afterCommit) after()
        return result
      } catch (error) {
        if (attempt >= MAX_ATTEMPTS) throw error
        if (error instanceof MasterKeyReplaced) options.useMasterKey(error.masterKeyId)
        else if (!isSerializationFailure(error)) throw error
      }
    }
  }
}

function createStateTransaction(
  db: StateTransaction['db'],
  now: number,
  effects: TransactionEffects,
): StateTransaction {
  return {
    db,
    now,
    effects,
    changed: (applicationId) => effects.changed.add(applicationId),
    afterCommit: (work) => effects.afterCommit.push(work),
  }
}

function emptyEffects(): TransactionEffects {
  return {
    audit: [],
    changed: new Set(),
    revoked: [],
    manifests: [],
    logs: new Map(),
    masterKeyIds: new Set(),
    afterCommit: [],
  }
}
