import type { Kysely } from 'kysely'
import type { Migration } from 'kysely/migration'
import type { FeatureSchema } from '../platform/database/feature-schema.ts'

const createChannel: Migration = {
  async up(db) {
    await db.schema
      .createTable('manifest_publications')
      .addColumn('application_id', 'text', (column) => column.primaryKey())
      .addColumn('delegation', 'text', (column) => column.notNull())
      .addColumn('delegation_epoch', 'bigint', (column) => column.notNull())
      .addColumn('delegation_expires_at', 'bigint', (column) => column.notNull())
      .addColumn('manifest', 'text', (column) => column.notNull())
      .addColumn('manifest_content', 'text', (column) => column.notNull())
      .addColumn('manifest_issued_at', 'bigint', (column) => column.notNull())
      .execute()
    await db.schema
      .createTable('replay_entries')
      .addColumn('entry_hash', 'bytea', (column) => column.primaryKey())
      .addColumn('expires_at', 'bigint', (column) => column.notNull())
      .execute()
    await db.schema.createIndex('replay_entries_expiry').on('replay_entries').column('expires_at').execute()
    await db.schema
      .createTable('replay_store')
      .addColumn('id', 'integer', (column) => column.primaryKey())
      .addColumn('kind', 'text', (column) => column.notNull())
      .addColumn('identity', 'text', (column) => column.notNull())
      .addColumn('since', 'bigint', (column) => column.notNull())
      .addColumn('renewed_at', 'bigint', (column) => column.notNull())
      .execute()
    await createUsage(db)
  },
}

async function createUsage(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('usage_hours')
    .addColumn('application_id', 'text', (column) => column.notNull())
    .addColumn('hour', 'bigint', (column) => column.notNull())
    .addColumn('key_uuid', 'text', (column) => column.notNull())
    .addColumn('app_version', 'text', (column) => column.notNull())
    .addColumn('requests', 'bigint', (column) => column.notNull())
    .addPrimaryKeyConstraint('usage_hours_key', ['application_id', 'hour', 'key_uuid', 'app_version'])
    .execute()
  await db.schema
    .createTable('usage_keys')
    .addColumn('key_uuid', 'text', (column) => column.primaryKey())
    .addColumn('application_id', 'text', (column) => column.notNull())
    .addColumn('last_used_at', 'bigint', (column) => column.notNull())
    .execute()
  await db.schema.createIndex('usage_keys_app').on('usage_keys').column('application_id').execute()
  await db.schema
    .createTable('installations')
    .addColumn('application_id', 'text', (column) => column.notNull())
    .addColumn('installation_id', 'text', (column) => column.notNull())
    .addColumn('key_uuid', 'text', (column) => column.notNull())
    .addColumn('last_used_at', 'bigint', (column) => column.notNull())
    .addColumn('app_version', 'text', (column) => column.notNull())
    .addColumn('sdk_version', 'text', (column) => column.notNull())
    .addColumn('trust', 'text', (column) => column.notNull())
    .addPrimaryKeyConstraint('installations_key', ['application_id', 'installation_id'])
    .execute()
  await db.schema
    .createIndex('installations_recent')
    .on('installations')
    .columns(['application_id', 'last_used_at'])
    .execute()
  // Retention deletes by time alone.
  await db.schema.createIndex('installations_time').on('installations').column('last_used_at').execute()
  await db.schema.createIndex('usage_hours_time').on('usage_hours').column('hour').execute()
}

const createInstallationHours: Migration = {
  async up(db) {
    await db.schema
      .createTable('installation_hours')
      .addColumn('application_id', 'text', (column) => column.notNull())
      .addColumn('hour', 'bigint', (column) => column.notNull())
      .addColumn('added', 'bigint', (column) => column.notNull())
      .addColumn('left_out', 'bigint', (column) => column.notNull())
      .addPrimaryKeyConstraint('installation_hours_key', ['application_id', 'hour'])
      .execute()
    await db.schema.createIndex('installation_hours_time').on('installation_hours').column('hour').execute()
  },
}

/** The channel: manifests, replay protection, usage. */
export const channelSchema: FeatureSchema = {
  migrations: { '0001-channel': createChannel, '0002-installation-hours': createInstallationHours },
  tables: [
    { name: 'manifest_publications', primaryKey: ['application_id'], backup: true },
    { name: 'replay_entries', primaryKey: ['entry_hash'], backup: false },
    { name: 'replay_store', primaryKey: ['id'], backup: false },
    { name: 'usage_hours', primaryKey: ['application_id', 'hour', 'key_uuid', 'app_version'], backup: true },
    { name: 'usage_keys', primaryKey: ['key_uuid'], backup: true },
    { name: 'installations', primaryKey: ['application_id', 'installation_id'], backup: true },
    { name: 'installation_hours', primaryKey: ['application_id', 'hour'], backup: true },
  ],
}
