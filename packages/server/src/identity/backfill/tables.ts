/** How far credentials of everybody are ordered for an IDA that came later, under one policy. */
export interface IdentityBackfillsTable {
  application_id: string
  partner_id: string
  policy_id: string
  /** Random: of the newest start. Pages of an earlier one do nothing any more. */
  run: string
  /** `running`, `done`, `stopped` (the partner may not have them any more). */
  state: string
  /** Up to this one everybody is gone through, in the order of the records; empty at the start. */
  last_record: string
  /** Gone through so far, and how many there were at the start. */
  people: number
  total: number
  started_by: string
  /** Milliseconds since the epoch. */
  started_at: number
  changed_at: number
}

export interface BackfillTables {
  identity_backfills: IdentityBackfillsTable
}
