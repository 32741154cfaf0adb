/** Work that was asked for and is not done yet; a finished job has no row. */
export interface IdentityJobsTable {
  application_id: string
  queue: string
  /** Time, counter and random bytes, hex: sorts in the order in which jobs were made. */
  id: string
  /** JSON: ids only, never personal data. */
  payload: string
  /** Jobs of a queue with the same one run one after the other; empty: in any order. */
  order_key: string
  /** `waiting` or `dead`. One that runs is `waiting` with a lease. */
  state: string
  /** Milliseconds since the epoch: not before. */
  not_before: number
  /** Runs that began. */
  attempts: number
  /** Milliseconds: until then one process has it; 0 if nobody has. */
  lease_until: number
  /** Random, of the run that has it; empty if nobody has. */
  lease: string
  /** Code and message of the last failure; empty if there was none. */
  failure: string
  created_at: number
  changed_at: number
}

export interface JobTables {
  identity_jobs: IdentityJobsTable
}
