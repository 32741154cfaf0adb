import type { Migration } from 'kysely/migration'
import type { FeatureSchema } from '../platform/database/feature-schema.ts'

const createApplications: Migration = {
  async up(db) {
    await db.schema
      .createTable('applications')
      .addColumn('id', 'text', (column) => column.primaryKey())
      .addColumn('name', 'text', (column) => column.notNull())
      .addColumn('created_at', 'bigint', (column) => column.notNull())
      .addColumn('is_default', 'bigint', (column) => column.notNull())
      .addColumn('is_system', 'bigint', (column) => column.notNull())
      .addColumn('default_suite', 'text', (column) => column.notNull())
      .addColumn('trust_mode', 'text', (column) => column.notNull())
      .addColumn('root_thumbprints', 'text', (column) => column.notNull())
      .execute()
  },
}

/** Applications: the tenants. */
export const applicationSchema: FeatureSchema = {
  migrations: { '0001-applications': createApplications },
  tables: [{ name: 'applications', primaryKey: ['id'], backup: true }],
}
