import type { OutboxEvent } from '@keyhaven/identity/service'
import type { RowOf } from '../partners/row-of.ts'

/** The last number that an application's events were given: milliseconds, or one more; a publisher locks the row. */
export interface IdentityEventCountersTable {
  application_id: string
  last: number
}

export interface IdentityEventTables {
  identity_events: RowOf<OutboxEvent>
  identity_event_counters: IdentityEventCountersTable
}
