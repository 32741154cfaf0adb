import type { Migration } from 'kysely/migration'
import type { FeatureSchema } from '../../platform/database/feature-schema.ts'

const createBackfills: Migration = {
  async up(db) {
    await db.schema
      .createTable('identity_backfills')
      .addColumn('application_id', 'text', (column) => column.notNull())
      .addColumn('partner_id', 'text', (column) => column.notNull())
      .addColumn('policy_id', 'text', (column) => column.notNull())
      .addColumn('run', 'text', (column) => column.notNull())
      .addColumn('state', 'text', (column) => column.notNull())
      .addColumn('last_record', 'text', (column) => column.notNull())
      .addColumn('people', 'bigint', (column) => column.notNull())
      .addColumn('total', 'bigint', (column) => column.notNull())
      .addColumn('started_by', 'text', (column) => column.notNull())
      .addColumn('started_at', 'bigint', (column) => column.notNull())
      .addColumn('changed_at', 'bigint', (column) => column.notNull())
      .addPrimaryKeyConstraint('identity_backfills_key', ['application_id', 'partner_id', 'policy_id'])
      .execute()
  },
}

/** Credentials of everybody for an IDA that came later. */
export const backfillSchema: FeatureSchema = {
  migrations: { '0014-identity-backfills': createBackfills },
  tables: [
    { name: 'identity_backfills', primaryKey: ['application_id', 'partner_id', 'policy_id'], backup: true },
  ],
}
