import { sql } from 'kysely'
import type { Migration } from 'kysely/migration'
import type { FeatureSchema } from '../platform/database/feature-schema.ts'

const createKeys: Migration = {
  async up(db) {
    await db.schema
      .createTable('managed_keys')
      .addColumn('id', 'text', (column) => column.primaryKey())
      .addColumn('application_id', 'text', (column) => column.notNull())
      .addColumn('purpose', 'text', (column) => column.notNull())
      .addColumn('key_id', 'bigint')
      .addColumn('suite', 'text', (column) => column.notNull())
      .addColumn('state', 'text', (column) => column.notNull())
      .addColumn('public_key', 'bytea', (column) => column.notNull())
      .addColumn('wrapped_private_key', 'bytea')
      .addColumn('master_key_id', 'text')
      .addColumn('created_at', 'bigint', (column) => column.notNull())
      .addColumn('ordinal', 'bigint', (column) => column.notNull())
      .addColumn('activate_at', 'bigint')
      .addColumn('activated_at', 'bigint')
      .addColumn('retiring_at', 'bigint')
      .addColumn('end_at', 'bigint')
      .addColumn('revoked_at', 'bigint')
      .addColumn('history', 'text', (column) => column.notNull())
      .addCheckConstraint(
        'managed_keys_revoked_is_erased',
        sql`(state = 'revoked') = (wrapped_private_key is null)`,
      )
      .addCheckConstraint(
        'managed_keys_master_key_named',
        sql`(wrapped_private_key is null) = (master_key_id is null)`,
      )
      .execute()
    await db.schema
      .createIndex('managed_keys_application')
      .unique()
      .on('managed_keys')
      .columns(['application_id', 'ordinal'])
      .execute()
    await db.schema
      .createIndex('managed_keys_live_key_id')
      .unique()
      .on('managed_keys')
      .columns(['application_id', 'key_id'])
      .where(sql.ref('state'), '!=', sql.lit('revoked'))
      .execute()
    await db.schema
      .createIndex('managed_keys_to_activate')
      .on('managed_keys')
      .column('activate_at')
      .where(sql.ref('state'), '=', sql.lit('pending'))
      .execute()
    await db.schema
      .createIndex('managed_keys_to_end')
      .on('managed_keys')
      .column('end_at')
      .where(sql.ref('end_at'), 'is not', sql.lit(null))
      .where(sql.ref('state'), '!=', sql.lit('revoked'))
      .execute()
    await db.schema
      .createIndex('managed_keys_master_key')
      .on('managed_keys')
      .columns(['master_key_id', 'id'])
      .where(sql.ref('master_key_id'), 'is not', sql.lit(null))
      .execute()
  },
}

/** Managed keys: live ones wrapped, revoked ones without their private part. */
export const keysSchema: FeatureSchema = {
  migrations: { '0001-keys': createKeys },
  tables: [{ name: 'managed_keys', primaryKey: ['id'], backup: true }],
}
