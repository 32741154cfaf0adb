import type { Migration } from 'kysely/migration'
import type { FeatureSchema } from '../../platform/database/feature-schema.ts'

const createIda: Migration = {
  async up(db) {
    await db.schema
      .createTable('ida_partners')
      .addColumn('application_id', 'text', (column) => column.notNull())
      .addColumn('partner_id', 'text', (column) => column.notNull())
      .addColumn('sequence', 'bigint', (column) => column.notNull())
      .addColumn('document', 'text', (column) => column.notNull())
      .addColumn('updated_at', 'bigint', (column) => column.notNull())
      .addPrimaryKeyConstraint('ida_partners_key', ['application_id', 'partner_id'])
      .execute()
    await db.schema
      .createTable('ida_issuers')
      .addColumn('application_id', 'text', (column) => column.primaryKey())
      .addColumn('certificate', 'bytea', (column) => column.notNull())
      .addColumn('added_at', 'bigint', (column) => column.notNull())
      .addColumn('added_by', 'text', (column) => column.notNull())
      .execute()
    await db.schema
      .createTable('ida_partner_keys')
      .addColumn('application_id', 'text', (column) => column.notNull())
      .addColumn('thumbprint', 'text', (column) => column.notNull())
      .addColumn('certificate', 'bytea', (column) => column.notNull())
      .addColumn('wrapped_key', 'bytea', (column) => column.notNull())
      .addColumn('created_at', 'bigint', (column) => column.notNull())
      .addPrimaryKeyConstraint('ida_partner_keys_key', ['application_id', 'thumbprint'])
      .execute()
    await db.schema
      .createTable('ida_marks')
      .addColumn('application_id', 'text', (column) => column.notNull())
      .addColumn('mark', 'bytea', (column) => column.notNull())
      .addColumn('expires_at', 'bigint', (column) => column.notNull())
      .addPrimaryKeyConstraint('ida_marks_key', ['application_id', 'mark'])
      .execute()
    await db.schema.createIndex('ida_marks_expiry').on('ida_marks').column('expires_at').execute()
    await db.schema
      .createTable('ida_failures')
      .addColumn('application_id', 'text', (column) => column.notNull())
      .addColumn('subject', 'text', (column) => column.notNull())
      .addColumn('failures', 'bigint', (column) => column.notNull())
      .addColumn('until', 'bigint', (column) => column.notNull())
      .addPrimaryKeyConstraint('ida_failures_key', ['application_id', 'subject'])
      .execute()
    await db.schema.createIndex('ida_failures_until').on('ida_failures').column('until').execute()
    await db.schema
      .createTable('ida_otps')
      .addColumn('application_id', 'text', (column) => column.notNull())
      .addColumn('person', 'text', (column) => column.notNull())
      .addColumn('transaction_id', 'text', (column) => column.notNull())
      .addColumn('partner_id', 'text', (column) => column.notNull())
      .addColumn('otp_hash', 'bytea', (column) => column.notNull())
      .addColumn('attempts', 'bigint', (column) => column.notNull())
      .addColumn('expires_at', 'bigint', (column) => column.notNull())
      .addPrimaryKeyConstraint('ida_otps_key', ['application_id', 'person', 'transaction_id', 'partner_id'])
      .execute()
    await db.schema.createIndex('ida_otps_expiry').on('ida_otps').column('expires_at').execute()
  },
}

export const idaSchema: FeatureSchema = {
  migrations: { '0013-identity-ida': createIda },
  tables: [
    { name: 'ida_partners', primaryKey: ['application_id', 'partner_id'], backup: true },
    { name: 'ida_issuers', primaryKey: ['application_id'], backup: true },
    { name: 'ida_partner_keys', primaryKey: ['application_id', 'thumbprint'], backup: true },
    { name: 'ida_marks', primaryKey: ['application_id', 'mark'], backup: false },
    { name: 'ida_failures', primaryKey: ['application_id', 'subject'], backup: false },
    {
      name: 'ida_otps',
      primaryKey: ['application_id', 'person', 'transaction_id', 'partner_id'],
      backup: false,
    },
  ],
}
