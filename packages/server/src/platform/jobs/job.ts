import type { StateTransaction } from '../state/state-transaction.ts'

/** Ids by name: which registration, which event. Never personal data, never a key. */
export type JobPayload = Readonly<Record<string, string | number>>

export interface JobRequest {
  readonly queue: string
  readonly applicationId: string
  readonly payload: JobPayload
  /** Milliseconds since the epoch. @defaultValue at once */
  readonly notBefore?: number
  /**
   * Jobs of one queue and application with the same key run one after the other, in the order in which they
   * were made. A dead one holds nobody up. Who needs a strict order makes them under a lock of its own.
   */
  readonly orderKey?: string
}

/** One run of a job. */
export interface Job {
  readonly queue: string
  readonly applicationId: string
  readonly id: string
  readonly payload: JobPayload
  /** This run's number, from 1. */
  readonly attempt: number
  /**
   * Ends the job in the transaction of its effect, so that they are one. Without it the job ends when the
   * handler returns, and a crash in between runs it again.
   *
   * @throws KeyhavenError `CONFLICT` if another process has the job by now: the transaction is undone.
   */
  done(transaction: StateTransaction): Promise<void>
  /**
   * For work of several steps: the transaction is undone if another process has the job by now, and the next
   * failure counts as the first one.
   *
   * @throws KeyhavenError `CONFLICT`
   */
  hold(transaction: StateTransaction): Promise<void>
}

/** Runs at least once; so it has the same effect however often it runs. A throw means: again, later. */
export type JobHandler = (job: Job) => Promise<void>

export interface JobRunnerOptions {
  readonly queue: string
  readonly handler: JobHandler
  /** Jobs at the same time in this process. @defaultValue 4 */
  readonly concurrency?: number
  /**
   * How long a process that died keeps a job from the others, in milliseconds. One that lives prolongs it.
   *
   * @defaultValue 10,000
   */
  readonly lease?: number
  /** Runs before the job is dead. @defaultValue 12: over half an hour */
  readonly attempts?: number
  /** Wait after the first failure, in milliseconds; twice that after the second, and so on. @defaultValue 1,000 */
  readonly backoff?: number
  /** The longest wait, in milliseconds. @defaultValue 6 hours */
  readonly maxBackoff?: number
  /**
   * For failures that are not about the job, as of another server that cannot be asked: how long after the job was
   * made they do not count as {@link attempts}, in milliseconds. @defaultValue they count
   */
  readonly patience?: (error: unknown) => number
  /** How often to look for jobs of other processes, in milliseconds. @defaultValue 1,000 */
  readonly poll?: number
  /** Gets every failure. */
  readonly onError: (error: unknown) => void
}

export interface JobRunner {
  /** Takes no more, and waits for those that run. */
  stop(): Promise<void>
}

/** How far a queue is. */
export interface QueueProgress {
  readonly queue: string
  /** Of them all that are not dead. */
  readonly waiting: number
  readonly running: number
  readonly dead: number
  /** Milliseconds since the epoch at which the oldest that waits was made; null if none does. */
  readonly oldestAt: number | null
}

export interface DeadJob {
  readonly id: string
  readonly queue: string
  readonly payload: JobPayload
  readonly orderKey: string
  readonly attempts: number
  readonly failure: string
  readonly createdAt: number
  readonly diedAt: number
}
