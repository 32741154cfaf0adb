import { randomBytes } from 'node:crypto'
import { sql } from 'kysely'
import type { State } from '../state/state.ts'
import type { StateTransaction } from '../state/state-transaction.ts'
import type { DeadJob, JobPayload, JobRequest, JobRunner, JobRunnerOptions, QueueProgress } from './job.ts'
import { startJobRunner } from './job-runner.ts'

const TIME_DIGITS = 12
const COUNTER_DIGITS = 8
const RANDOM_BYTES = 6

/** Work that a transaction asks for, and that survives every crash. One for each process. */
export interface Jobs {
  /** The job is there if and only if the transaction is. @returns its id. */
  enqueue(transaction: StateTransaction, request: JobRequest): Promise<string>
  /** Lets jobs of an order that wait after a failure run at once. */
  hurry(
    transaction: StateTransaction,
    order: { readonly queue: string; readonly applicationId: string; readonly orderKey: string },
  ): Promise<void>
  createJobRunner(options: JobRunnerOptions): JobRunner
  /** @param applicationId - undefined: of all. */
  progress(applicationId?: string): Promise<readonly QueueProgress[]>
  /** Oldest first. */
  listDead(
    applicationId: string,
    page: {
      readonly queue?: string | undefined
      readonly after?: string | undefined
      readonly limit: number
    },
  ): Promise<readonly DeadJob[]>
  /** Makes a dead job wait again, in its old place. @returns false if there is no such dead job. */
  replay(transaction: StateTransaction, applicationId: string, id: string): Promise<boolean>
}

export function createJobs(state: State, clock: () => number): Jobs {
  const wakers = new Map<string, Set<() => void>>()
  const nextId = createJobIds(clock)
  const wake = (queue: string) => () => {
    for (const look of wakers.get(queue) ?? []) look()
  }
  return {
    async enqueue(transaction, { queue, applicationId, payload, notBefore, orderKey }) {
      const id = nextId()
      const { now } = transaction
      await transaction.db
        .insertInto('identity_jobs')
        .values({
          ...{ application_id: applicationId, queue, id, payload: JSON.stringify(payload) },
          ...{ order_key: orderKey ?? '', state: 'waiting', not_before: notBefore ?? now, attempts: 0 },
          ...{ lease_until: 0, lease: '', failure: '', created_at: now, changed_at: now },
        })
        .execute()
      transaction.afterCommit(wake(queue))
      return id
    },

    async hurry(transaction, { queue, applicationId, orderKey }) {
      const { now } = transaction
      await transaction.db
        .updateTable('identity_jobs')
        .set({ not_before: now })
        .where((where) =>
          where.and({ application_id: applicationId, queue, order_key: orderKey, state: 'waiting' }),
        )
        .where('not_before', '>', now)
        .where('lease_until', '<=', now)
        .execute()
      transaction.afterCommit(wake(queue))
    },

    createJobRunner(options) {
      const onWake = (look: () => void) => {
        const set = wakers.get(options.queue) ?? new Set()
        wakers.set(options.queue, set.add(look))
        return () => set.delete(look)
      }
      return startJobRunner(state, clock, onWake, options)
    },

    async progress(applicationId) {
      const now = clock()
      const { rows } = await sql<Record<'waiting' | 'running' | 'dead', number> & Row>`
        select queue,
          sum(case when state = 'waiting' and lease_until <= ${now} then 1 else 0 end) as waiting,
          sum(case when state = 'waiting' and lease_until > ${now} then 1 else 0 end) as running,
          sum(case when state = 'dead' then 1 else 0 end) as dead,
          min(case when state = 'waiting' then created_at end) as oldest
        from identity_jobs
        ${applicationId === undefined ? sql`` : sql`where application_id = ${applicationId}`}
        group by queue order by queue`.execute(state.db)
      return rows.map(({ queue, waiting, running, dead, oldest }) => ({
        queue,
        waiting: Number(waiting),
        running: Number(running),
        dead: Number(dead),
        oldestAt: oldest === null ? null : Number(oldest),
      }))
    },

    async listDead(applicationId, { queue, after, limit }) {
      let query = state.db
        .selectFrom('identity_jobs')
        .selectAll()
        .where('application_id', '=', applicationId)
        .where('state', '=', 'dead')
      if (queue !== undefined) query = query.where('queue', '=', queue)
      if (after !== undefined) query = query.where('id', '>', after)
      const rows = await query.orderBy('id').limit(limit).execute()
      return rows.map((row) => ({
        ...{ id: row.id, queue: row.queue, orderKey: row.order_key, attempts: row.attempts },
        ...{ failure: row.failure, createdAt: row.created_at, diedAt: row.changed_at },
        payload: JSON.parse(row.payload) as JobPayload,
      }))
    },

    async replay(transaction, applicationId, id) {
      const row = await transaction.db
        .updateTable('identity_jobs')
        .set({ state: 'waiting', attempts: 0, not_before: transaction.now, changed_at: transaction.now })
        .where((where) => where.and({ application_id: applicationId, id, state: 'dead' }))
        .returning('queue')
        .executeTakeFirst()
      if (row === undefined) return false
      transaction.afterCommit(wake(row.queue))
      return true
    },
  }
}

interface Row {
  readonly queue: string
  readonly oldest: number | null
}

/** Ids that sort in the order in which this process made them, whatever its clock does. */
function createJobIds(clock: () => number): () => string {
  let last = 0
  let counter = 0
  return () => {
    last = Math.max(last, clock())
    counter++
    const time = last.toString(16).padStart(TIME_DIGITS, '0')
    const count = counter.toString(16).padStart(COUNTER_DIGITS, '0')
    return `${time}${count}${randomBytes(RANDOM_BYTES).toString('hex')}`
  }
}
