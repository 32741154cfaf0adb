import type { Migration } from 'kysely/migration'
import type { FeatureSchema } from '../../platform/database/feature-schema.ts'

const createOprf: Migration = {
  async up(db) {
    await db.schema
      .createTable('identity_oprf_keys')
      .addColumn('application_id', 'text', (column) => column.notNull())
      .addColumn('version', 'bigint', (column) => column.notNull())
      .addColumn('public_key', 'bytea', (column) => column.notNull())
      .addColumn('wrapped', 'bytea', (column) => column.notNull())
      .addColumn('state', 'text', (column) => column.notNull())
      .addColumn('created_at', 'bigint', (column) => column.notNull())
      .addPrimaryKeyConstraint('identity_oprf_keys_key', ['application_id', 'version'])
      .execute()
    await db.schema
      .createTable('identity_oprf_orders')
      .addColumn('application_id', 'text', (column) => column.notNull())
      .addColumn('order_hash', 'bytea', (column) => column.notNull())
      .addColumn('used_at', 'bigint', (column) => column.notNull())
      .addPrimaryKeyConstraint('identity_oprf_orders_key', ['application_id', 'order_hash'])
      .execute()
    await db.schema
      .createIndex('identity_oprf_orders_used')
      .on('identity_oprf_orders')
      .columns(['application_id', 'used_at'])
      .execute()
    await db.schema
      .createTable('identity_oprf_quotas')
      .addColumn('application_id', 'text', (column) => column.notNull())
      .addColumn('caller', 'text', (column) => column.notNull())
      .addColumn('day', 'bigint', (column) => column.notNull())
      .addColumn('used', 'bigint', (column) => column.notNull())
      .addPrimaryKeyConstraint('identity_oprf_quotas_key', ['application_id', 'caller', 'day'])
      .execute()
    await db.schema
      .createTable('identity_oprf_public_keys')
      .addColumn('application_id', 'text', (column) => column.notNull())
      .addColumn('version', 'bigint', (column) => column.notNull())
      .addColumn('public_key', 'bytea', (column) => column.notNull())
      .addPrimaryKeyConstraint('identity_oprf_public_keys_key', ['application_id', 'version'])
      .execute()
  },
}

/** Server and client of the oblivious PRF; they never share a database in a real deployment. */
export const oprfSchema: FeatureSchema = {
  migrations: { '0012-identity-oprf': createOprf },
  tables: [
    { name: 'identity_oprf_keys', primaryKey: ['application_id', 'version'], backup: true },
    { name: 'identity_oprf_orders', primaryKey: ['application_id', 'order_hash'], backup: false },
    { name: 'identity_oprf_quotas', primaryKey: ['application_id', 'caller', 'day'], backup: false },
    { name: 'identity_oprf_public_keys', primaryKey: ['application_id', 'version'], backup: true },
  ],
}
