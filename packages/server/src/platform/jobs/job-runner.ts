import { randomBytes } from 'node:crypto'
import { KeyhavenError } from '@keyhaven/crypto'
import { toStoreError } from '../database/store-error.ts'
import type { State } from '../state/state.ts'
import { changeJob, claimJobs, endJob, hasRunnable, type JobRow } from './claim-jobs.ts'
import type { Job, JobPayload, JobRunner, JobRunnerOptions } from './job.ts'

const LEASE_BYTES = 12
const DEFAULT_CONCURRENCY = 4
const DEFAULT_LEASE_MS = 10_000
const DEFAULT_ATTEMPTS = 12
const DEFAULT_BACKOFF_MS = 1_000
const MAX_DOUBLINGS = 30
const DEFAULT_MAX_BACKOFF_MS = 6 * 3_600_000
const DEFAULT_POLL_MS = 1_000
const MAX_FAILURE_CHARS = 300
/** A lease is prolonged so many times before it would end. */
const RENEWALS_PER_LEASE = 3

/**
 * Runs the jobs of one queue, as many processes as want to.
 *
 * @param onWake - registers what to call when this process has made a job of the queue. @returns unregisters.
 */
export function startJobRunner(
  state: State,
  clock: () => number,
  onWake: (wake: () => void) => () => void,
  options: JobRunnerOptions,
): JobRunner {
  const { queue, handler, onError } = options
  const concurrency = options.concurrency ?? DEFAULT_CONCURRENCY
  const leaseMs = options.lease ?? DEFAULT_LEASE_MS
  const attempts = options.attempts ?? DEFAULT_ATTEMPTS
  const running = new Set<Promise<void>>()
  let stopped = false
  let looking: Promise<void> | undefined
  let again = false

  const take = async (): Promise<void> => {
    do {
      again = false
      const free = concurrency - running.size
      if (stopped || free === 0 || !(await hasRunnable(state.db, queue, clock()))) continue
      const lease = randomBytes(LEASE_BYTES).toString('hex')
      const now = clock()
      const rows = await state.transaction(({ db }) =>
        claimJobs(db, state.dialect, { queue, now, limit: free, leaseUntil: now + leaseMs, lease }),
      )
      for (const row of rows) {
        const run: Promise<void> = runJob(row, lease).finally(() => {
          running.delete(run)
          look()
        })
        running.add(run)
      }
    } while (again)
  }

  const look = (): void => {
    if (stopped) return
    again = true
    looking ??= take()
      .catch(onError)
      .finally(() => {
        looking = undefined
      })
  }

  const runJob = async (row: JobRow, lease: string): Promise<void> => {
    let ended = false
    const job: Job = {
      queue,
      applicationId: row.application_id,
      id: row.id,
      payload: JSON.parse(row.payload) as JobPayload,
      attempt: row.attempts,
      async done(transaction) {
        if (!(await endJob(transaction.db, row, lease))) throw taken()
        transaction.afterCommit(() => {
          ended = true
        })
      },
      async hold(transaction) {
        const change = { attempts: 1, lease_until: clock() + leaseMs }
        if (!(await changeJob(transaction.db, row, lease, change))) throw taken()
        transaction.afterCommit(() => {
          row.attempts = 1
        })
      },
    }
    const prolong = setInterval(() => {
      changeJob(state.db, row, lease, { lease_until: clock() + leaseMs }).catch(onError)
    }, leaseMs / RENEWALS_PER_LEASE).unref()
    try {
      if (row.attempts > attempts) throw cutShort()
      await handler(job)
      if (!ended) await state.transaction(({ db }) => endJob(db, row, lease))
    } catch (error) {
      if (ended) onError(error)
      else await fail(row, lease, error)
    } finally {
      clearInterval(prolong)
    }
  }

  const fail = async (row: JobRow, lease: string, error: unknown): Promise<void> => {
    onError(error)
    const now = clock()
    const change = {
      ...{ lease_until: 0, lease: '', changed_at: now, failure: failureOf(error) },
      ...whatNext(row, error, now),
    }
    // If this fails too, the lease ends by itself.
    await changeJob(state.db, row, lease, change).catch(onError)
  }

  const whatNext = (row: JobRow, error: unknown, now: number): Partial<JobRow> => {
    const age = now - row.created_at
    const first = options.backoff ?? DEFAULT_BACKOFF_MS
    const after = (wait: number) => now + Math.min(wait, options.maxBackoff ?? DEFAULT_MAX_BACKOFF_MS)
    // More attempts than there are: each ended its process, which is about the job.
    if (row.attempts <= attempts && age < (options.patience?.(error) ?? 0)) {
      return { attempts: 0, not_before: after(Math.max(first, age)) }
    }
    if (row.attempts >= attempts) return { state: 'dead' }
    return { not_before: after(first * 2 ** Math.min(row.attempts - 1, MAX_DOUBLINGS)) }
  }

  const timer = setInterval(look, options.poll ?? DEFAULT_POLL_MS).unref()
  const unregister = onWake(look)
  look()
  return {
    async stop() {
      stopped = true
      unregister()
      clearInterval(timer)
      await looking
      await Promise.all(running)
    },
  }
}

/** Only our own messages are free of data: a database's may quote a row. */
function failureOf(error: unknown): string {
  const known = toStoreError(error)
  if (!(known instanceof KeyhavenError)) return 'INTERNAL'
  return `${known.code}: ${known.message}`.slice(0, MAX_FAILURE_CHARS)
}

function taken(): KeyhavenError {
  return new KeyhavenError('CONFLICT', 'another process has this job by now')
}

/** Of a job that ended its process each time. */
function cutShort(): KeyhavenError {
  return new KeyhavenError('STORE_UNAVAILABLE', 'the process ended each time while this ran')
}
