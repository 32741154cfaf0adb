import type { Migration } from 'kysely/migration'
import type { FeatureSchema } from '../../platform/database/feature-schema.ts'

const createCredentials: Migration = {
  async up(db) {
    await db.schema
      .createTable('identity_credentials')
      .addColumn('application_id', 'text', (column) => column.notNull())
      .addColumn('request_id', 'text', (column) => column.notNull())
      .addColumn('partner_id', 'text', (column) => column.notNull())
      .addColumn('policy_id', 'text', (column) => column.notNull())
      .addColumn('credential_type', 'text', (column) => column.notNull())
      .addColumn('sealed_order', 'bytea', (column) => column.notNull())
      .addColumn('state', 'text', (column) => column.notNull())
      .addColumn('failure', 'text')
      .addColumn('credential_id', 'text')
      .addColumn('event_id', 'text')
      .addColumn('share_url', 'text')
      .addColumn('generation', 'bigint')
      .addColumn('oprf_key', 'bigint')
      .addColumn('requested_at', 'bigint', (column) => column.notNull())
      .addColumn('issued_at', 'bigint')
      .addPrimaryKeyConstraint('identity_credentials_key', ['application_id', 'request_id'])
      .execute()
    await db.schema
      .createIndex('identity_credentials_generation')
      .on('identity_credentials')
      .columns(['application_id', 'credential_type', 'state', 'generation', 'oprf_key'])
      .execute()
  },
}

/** Credentials: ordered, issued, told to the partner. */
export const credentialSchema: FeatureSchema = {
  migrations: { '0012-identity-credentials': createCredentials },
  tables: [{ name: 'identity_credentials', primaryKey: ['application_id', 'request_id'], backup: true }],
}
