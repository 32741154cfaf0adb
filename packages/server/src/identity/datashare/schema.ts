import type { Migration } from 'kysely/migration'
import type { FeatureSchema } from '../../platform/database/feature-schema.ts'
import { createRecordTable, recordTable } from '../partners/record-table.ts'

const createShares: Migration = {
  async up(db) {
    await createRecordTable(db, 'identity_shares', {
      ...{ share_key: 'text', policy_id: 'text', policy_version: 'bigint', subscriber_id: 'text' },
      ...{ certificate_id: 'text', profile: 'text', bytes: 'bigint', signature: 'text', state: 'text' },
      ...{
        allowed: 'bigint',
        remaining: 'bigint',
        created_at: 'bigint',
        created_by: 'text',
        expires_at: 'bigint',
      },
    })
    await db.schema
      .createIndex('identity_shares_address')
      .unique()
      .on('identity_shares')
      .columns(['application_id', 'subscriber_id', 'policy_id', 'share_key'])
      .execute()
    // What can be deleted.
    await db.schema
      .createIndex('identity_shares_over')
      .on('identity_shares')
      .columns(['application_id', 'state', 'expires_at'])
      .execute()
    await db.schema
      .createTable('identity_share_reads')
      .addColumn('application_id', 'text', (column) => column.notNull())
      .addColumn('share_id', 'text', (column) => column.notNull())
      .addColumn('actor', 'text', (column) => column.notNull())
      .addColumn('began_at', 'bigint', (column) => column.notNull())
      .addPrimaryKeyConstraint('identity_share_reads_key', ['application_id', 'share_id', 'actor'])
      .execute()
    await db.schema
      .createTable('identity_share_nonces')
      .addColumn('application_id', 'text', (column) => column.notNull())
      .addColumn('partner_id', 'text', (column) => column.notNull())
      .addColumn('nonce', 'text', (column) => column.notNull())
      .addColumn('until', 'bigint', (column) => column.notNull())
      .addPrimaryKeyConstraint('identity_share_nonces_key', ['application_id', 'partner_id', 'nonce'])
      .execute()
  },
}

/** Data given to partners as addresses that work for so many reads and minutes. */
export const identityDatashareSchema: FeatureSchema = {
  migrations: { '0011-identity-datashare': createShares },
  tables: [
    recordTable('identity_shares'),
    { name: 'identity_share_reads', primaryKey: ['application_id', 'share_id', 'actor'], backup: false },
    { name: 'identity_share_nonces', primaryKey: ['application_id', 'partner_id', 'nonce'], backup: false },
  ],
}
