import type { Migration } from 'kysely/migration'
import type { FeatureSchema } from '../database/feature-schema.ts'

const createJobs: Migration = {
  async up(db) {
    await db.schema
      .createTable('identity_jobs')
      .addColumn('application_id', 'text', (column) => column.notNull())
      .addColumn('queue', 'text', (column) => column.notNull())
      .addColumn('id', 'text', (column) => column.notNull())
      .addColumn('payload', 'text', (column) => column.notNull())
      .addColumn('order_key', 'text', (column) => column.notNull())
      .addColumn('state', 'text', (column) => column.notNull())
      .addColumn('not_before', 'bigint', (column) => column.notNull())
      .addColumn('attempts', 'bigint', (column) => column.notNull())
      .addColumn('lease_until', 'bigint', (column) => column.notNull())
      .addColumn('lease', 'text', (column) => column.notNull())
      .addColumn('failure', 'text', (column) => column.notNull())
      .addColumn('created_at', 'bigint', (column) => column.notNull())
      .addColumn('changed_at', 'bigint', (column) => column.notNull())
      .addPrimaryKeyConstraint('identity_jobs_key', ['application_id', 'id'])
      .execute()
    // What is due next.
    await db.schema
      .createIndex('identity_jobs_due')
      .on('identity_jobs')
      .columns(['queue', 'state', 'not_before', 'id'])
      .execute()
    // What comes before it.
    await db.schema
      .createIndex('identity_jobs_order')
      .on('identity_jobs')
      .columns(['application_id', 'queue', 'order_key', 'id'])
      .execute()
  },
}

/** Jobs of identity: made in the transaction that asks for them. */
export const jobSchema: FeatureSchema = {
  migrations: { '0009-identity-jobs': createJobs },
  tables: [{ name: 'identity_jobs', primaryKey: ['application_id', 'id'], backup: true }],
}
