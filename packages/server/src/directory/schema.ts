import type { Kysely } from 'kysely'
import type { Migration } from 'kysely/migration'
import type { FeatureSchema } from '../platform/database/feature-schema.ts'

const createDirectory: Migration = {
  async up(db) {
    await createUsers(db)
    await createSignUp(db)
    await createLog(db)
  },
}

async function createUsers(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('directory_users')
    .addColumn('application_id', 'text', (column) => column.notNull())
    .addColumn('username', 'text', (column) => column.notNull())
    .addColumn('chain', 'bigint', (column) => column.notNull())
    .addColumn('sequence', 'bigint', (column) => column.notNull())
    .addColumn('head', 'bytea', (column) => column.notNull())
    .addColumn('sign_up', 'text', (column) => column.notNull())
    .addColumn('label_proof', 'bytea')
    .addColumn('created_at', 'bigint', (column) => column.notNull())
    .addColumn('changed_at', 'bigint', (column) => column.notNull())
    .addPrimaryKeyConstraint('directory_users_key', ['application_id', 'username'])
    .execute()
  await db.schema
    .createTable('directory_entries')
    .addColumn('application_id', 'text', (column) => column.notNull())
    .addColumn('username', 'text', (column) => column.notNull())
    .addColumn('sequence', 'bigint', (column) => column.notNull())
    .addColumn('entry', 'bytea', (column) => column.notNull())
    .addColumn('entry_hash', 'bytea', (column) => column.notNull())
    .addColumn('kind', 'text', (column) => column.notNull())
    .addColumn('acceptance', 'text', (column) => column.notNull())
    .addColumn('log_index', 'bigint', (column) => column.notNull())
    .addColumn('opening', 'bytea', (column) => column.notNull())
    .addColumn('accepted_at', 'bigint', (column) => column.notNull())
    .addPrimaryKeyConstraint('directory_entries_key', ['application_id', 'username', 'sequence'])
    .execute()
  await db.schema
    .createIndex('directory_entries_leaf')
    .unique()
    .on('directory_entries')
    .columns(['application_id', 'log_index'])
    .execute()
  await db.schema
    .createTable('directory_devices')
    .addColumn('application_id', 'text', (column) => column.notNull())
    .addColumn('username', 'text', (column) => column.notNull())
    .addColumn('device', 'text', (column) => column.notNull())
    .addColumn('chain', 'bigint', (column) => column.notNull())
    .addColumn('name', 'text', (column) => column.notNull())
    .addColumn('profile', 'text', (column) => column.notNull())
    .addColumn('not_before', 'bigint', (column) => column.notNull())
    .addColumn('expires_at', 'bigint', (column) => column.notNull())
    .addColumn('ended_at', 'bigint')
    .addColumn('changed_at', 'bigint', (column) => column.notNull())
    .addPrimaryKeyConstraint('directory_devices_key', ['application_id', 'username', 'device'])
    .execute()
  // A request names only its device.
  await db.schema
    .createIndex('directory_devices_id')
    .unique()
    .on('directory_devices')
    .columns(['application_id', 'device'])
    .execute()
  await db.schema
    .createIndex('directory_devices_expiry')
    .on('directory_devices')
    .columns(['application_id', 'expires_at'])
    .execute()
  await db.schema
    .createTable('directory_encryption_keys')
    .addColumn('application_id', 'text', (column) => column.notNull())
    .addColumn('username', 'text', (column) => column.notNull())
    .addColumn('device', 'text', (column) => column.notNull())
    .addColumn('statement', 'text', (column) => column.notNull())
    .addColumn('not_before', 'bigint', (column) => column.notNull())
    .addColumn('expires_at', 'bigint', (column) => column.notNull())
    .addPrimaryKeyConstraint('directory_encryption_keys_key', ['application_id', 'username', 'device'])
    .execute()
}

async function createSignUp(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('sign_up_tokens')
    .addColumn('application_id', 'text', (column) => column.notNull())
    .addColumn('id', 'text', (column) => column.notNull())
    .addColumn('username', 'text', (column) => column.notNull())
    .addColumn('token_hash', 'bytea', (column) => column.notNull())
    .addColumn('profile', 'text', (column) => column.notNull())
    .addColumn('created_at', 'bigint', (column) => column.notNull())
    .addColumn('created_by', 'text', (column) => column.notNull())
    .addColumn('expires_at', 'bigint', (column) => column.notNull())
    .addColumn('used_at', 'bigint')
    .addPrimaryKeyConstraint('sign_up_tokens_key', ['application_id', 'id'])
    .execute()
  await db.schema
    .createIndex('sign_up_tokens_hash')
    .unique()
    .on('sign_up_tokens')
    .columns(['application_id', 'token_hash'])
    .execute()
}

async function createLog(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('log_heads')
    .addColumn('application_id', 'text', (column) => column.primaryKey())
    .addColumn('origin', 'text', (column) => column.notNull())
    .addColumn('size', 'bigint', (column) => column.notNull())
    .addColumn('peaks', 'bytea', (column) => column.notNull())
    .addColumn('root', 'bytea', (column) => column.notNull())
    .addColumn('checkpoint', 'text', (column) => column.notNull())
    .addColumn('checkpoint_at', 'bigint', (column) => column.notNull())
    .execute()
  await db.schema
    .createTable('log_entries')
    .addColumn('application_id', 'text', (column) => column.notNull())
    .addColumn('position', 'bigint', (column) => column.notNull())
    .addColumn('leaf', 'bytea', (column) => column.notNull())
    .addPrimaryKeyConstraint('log_entries_key', ['application_id', 'position'])
    .execute()
  await db.schema
    .createTable('log_nodes')
    .addColumn('application_id', 'text', (column) => column.notNull())
    .addColumn('level', 'bigint', (column) => column.notNull())
    .addColumn('position', 'bigint', (column) => column.notNull())
    .addColumn('hash', 'bytea', (column) => column.notNull())
    .addPrimaryKeyConstraint('log_nodes_key', ['application_id', 'level', 'position'])
    .execute()
  await db.schema
    .createTable('log_cosignatures')
    .addColumn('application_id', 'text', (column) => column.notNull())
    .addColumn('witness', 'text', (column) => column.notNull())
    .addColumn('size', 'bigint', (column) => column.notNull())
    .addColumn('root', 'bytea', (column) => column.notNull())
    .addColumn('cosignature', 'text', (column) => column.notNull())
    .addColumn('cosigned_at', 'bigint', (column) => column.notNull())
    .addPrimaryKeyConstraint('log_cosignatures_key', ['application_id', 'witness'])
    .execute()
}

/** The directory: users, their entries, sign-up tokens, and the log. */
export const directorySchema: FeatureSchema = {
  migrations: { '0003-directory': createDirectory },
  tables: [
    { name: 'directory_users', primaryKey: ['application_id', 'username'], backup: true },
    { name: 'directory_entries', primaryKey: ['application_id', 'username', 'sequence'], backup: true },
    { name: 'directory_devices', primaryKey: ['application_id', 'username', 'device'], backup: true },
    { name: 'directory_encryption_keys', primaryKey: ['application_id', 'username', 'device'], backup: true },
    { name: 'sign_up_tokens', primaryKey: ['application_id', 'id'], backup: true },
    { name: 'log_heads', primaryKey: ['application_id'], backup: true },
    { name: 'log_entries', primaryKey: ['application_id', 'position'], backup: true },
    { name: 'log_nodes', primaryKey: ['application_id', 'level', 'position'], backup: true },
    { name: 'log_cosignatures', primaryKey: ['application_id', 'witness'], backup: true },
  ],
}
