import type {
  AuthenticationEnd,
  AuthenticationStore,
  RequestMarks,
  RequestStart,
} from '@keyhaven/identity/service'
import { FAILURE_WINDOW_MINUTES } from '@keyhaven/identity/service'
import { sql } from 'kysely'
import type { DbTransaction } from '../../platform/database/schema.ts'
import { isUniqueViolation, toStoreError } from '../../platform/database/store-error.ts'
import type { State } from '../../platform/state/state.ts'
import { createGroupCommit } from './group-commit.ts'

const MS_PER_MINUTE = 60_000
const MAX_ATTEMPTS = 5
const PRUNE_ROWS = 2_000
const MAX_LISTED = 200

type RequestRows = Pick<AuthenticationStore, 'start' | 'end' | 'limited' | 'unlock' | 'prune'>

/** Marks, failures, and the record of what was asked. */
export function createRequestRows(state: State, applicationId: string, clock: () => number): RequestRows {
  const start = createGroupCommit((requests: readonly RequestMarks[]) => startAll(requests))
  const end = createGroupCommit(async (requests: readonly AuthenticationEnd[]) => {
    await endAll(requests)
    return requests.map(() => undefined)
  })

  async function startAll(requests: readonly RequestMarks[]): Promise<RequestStart[]> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await startOnce(requests)
      } catch (error) {
        // Another process has stored one of the marks meanwhile: looked at again, it is found.
        if (!isUniqueViolation(error) || attempt >= MAX_ATTEMPTS) throw toStoreError(error)
      }
    }
  }

  function startOnce(requests: readonly RequestMarks[]): Promise<RequestStart[]> {
    const now = clock()
    return state.db.transaction().execute(async (db) => {
      const fresh = await takeMarks(db, requests)
      const failures = await failuresOf(
        db,
        requests.flatMap(({ subjects }) => subjects),
        now,
      )
      return requests.map(({ subjects }, at) => ({
        fresh: fresh[at]!,
        failures: subjects.map((subject) => failures.get(subject) ?? 0),
      }))
    })
  }

  /** Each request has all of its marks or none: those that have one already have seen it before. */
  async function takeMarks(db: DbTransaction, requests: readonly RequestMarks[]): Promise<boolean[]> {
    const all = requests.flatMap(({ marks }) => marks)
    const rows =
      all.length === 0
        ? []
        : await db
            .selectFrom('ida_marks')
            .select('mark')
            .where('application_id', '=', applicationId)
            .where('mark', 'in', all)
            .execute()
    const taken = new Set(rows.map(({ mark }) => Buffer.from(mark).toString('hex')))
    const values: { application_id: string; mark: Uint8Array; expires_at: number }[] = []
    const fresh = requests.map(({ marks, expiresAt }) => {
      const names = marks.map((mark) => Buffer.from(mark).toString('hex'))
      if (names.some((name) => taken.has(name))) return false
      for (const name of names) taken.add(name)
      values.push(...marks.map((mark) => ({ application_id: applicationId, mark, expires_at: expiresAt })))
      return true
    })
    if (values.length > 0) await db.insertInto('ida_marks').values(values).execute()
    return fresh
  }

  async function failuresOf(
    db: DbTransaction,
    subjects: readonly string[],
    now: number,
  ): Promise<Map<string, number>> {
    if (subjects.length === 0) return new Map()
    const rows = await db
      .selectFrom('ida_failures')
      .select(['subject', 'failures'])
      .where('application_id', '=', applicationId)
      .where('subject', 'in', [...new Set(subjects)])
      .where('until', '>', now)
      .execute()
    return new Map(rows.map(({ subject, failures }) => [subject, failures]))
  }

  const endAll = (requests: readonly AuthenticationEnd[]): Promise<void> =>
    state.transaction(async (transaction) => {
      for (const { id, kind, actor, result, types, errors, token } of requests) {
        state.audit.append(transaction, {
          ...{ actor, action: 'auth.answer', applicationId, subject: id },
          detail: { kind, result, types: [...types], errors: [...errors], token },
        })
      }
      const failed = Map.groupBy(
        requests.flatMap((one) => one.failed),
        (subject) => subject,
      )
      for (const [subject, { length }] of failed) {
        await countFailures(transaction.db, subject, length, transaction.now)
      }
    })

  async function countFailures(db: DbTransaction, subject: string, more: number, now: number): Promise<void> {
    const until = now + FAILURE_WINDOW_MINUTES * MS_PER_MINUTE
    const failures = sql<number>`case when ida_failures.until > ${now} then ida_failures.failures else 0 end + ${more}`
    await db
      .insertInto('ida_failures')
      .values({ application_id: applicationId, subject, failures: more, until })
      .onConflict((conflict) =>
        conflict.columns(['application_id', 'subject']).doUpdateSet({
          failures,
          until: sql<number>`case when ida_failures.until > ${now} then ida_failures.until else ${until} end`,
        }),
      )
      .execute()
  }

  return {
    start,
    end,
    async limited(limit) {
      return state.db
        .selectFrom('ida_failures')
        .select(['subject', 'failures', 'until'])
        .where('application_id', '=', applicationId)
        .where('until', '>', clock())
        .where('failures', '>=', limit)
        .orderBy('until', 'desc')
        .orderBy('subject')
        .limit(MAX_LISTED)
        .execute()
    },
    unlock: (subject, actor) =>
      state.transaction(async (transaction) => {
        const { numDeletedRows } = await transaction.db
          .deleteFrom('ida_failures')
          .where('application_id', '=', applicationId)
          .where('subject', '=', subject)
          .executeTakeFirst()
        if (numDeletedRows === 0n) return false
        state.audit.append(transaction, { actor, action: 'auth.unlock', applicationId, subject })
        return true
      }),
    async prune(now) {
      await pruneMarks(state, now)
      await state.db.deleteFrom('ida_failures').where('until', '<=', now).execute()
      await state.db.deleteFrom('ida_otps').where('expires_at', '<=', now).execute()
    },
  }
}

async function pruneMarks({ db }: State, now: number): Promise<void> {
  let removed: number
  do {
    const result = await db
      .deleteFrom('ida_marks')
      .where('mark', 'in', (query) =>
        query.selectFrom('ida_marks').select('mark').where('expires_at', '<=', now).limit(PRUNE_ROWS),
      )
      .executeTakeFirst()
    removed = Number(result.numDeletedRows)
  } while (removed === PRUNE_ROWS)
}
