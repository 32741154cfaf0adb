import type { Migration } from 'kysely/migration'
import type { FeatureSchema } from '../../platform/database/feature-schema.ts'
import { createRecordTable, recordTable } from '../partners/record-table.ts'

const createEvents: Migration = {
  async up(db) {
    await createRecordTable(db, 'identity_events', {
      ...{
        sequence: 'bigint',
        partner_id: 'text',
        topic: 'text',
        body: 'text',
        state: 'text',
        attempts: 'bigint',
      },
      ...{ failure: 'text', created_at: 'bigint', changed_at: 'bigint' },
    })
    // The next one of a partner.
    await db.schema
      .createIndex('identity_events_next')
      .on('identity_events')
      .columns(['application_id', 'partner_id', 'state', 'sequence'])
      .execute()
    await db.schema
      .createIndex('identity_events_list')
      .unique()
      .on('identity_events')
      .columns(['application_id', 'sequence'])
      .execute()
    await db.schema
      .createTable('identity_event_counters')
      .addColumn('application_id', 'text', (column) => column.primaryKey())
      .addColumn('last', 'bigint', (column) => column.notNull())
      .execute()
  },
}

/** Events to partners, until they are delivered and some time after. */
export const identityEventsSchema: FeatureSchema = {
  migrations: { '0011-identity-events': createEvents },
  tables: [
    recordTable('identity_events'),
    { name: 'identity_event_counters', primaryKey: ['application_id'], backup: true },
  ],
}
