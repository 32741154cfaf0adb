import { type Kysely, sql } from 'kysely'
import type { Migration } from 'kysely/migration'
import type { FeatureSchema } from '../platform/database/feature-schema.ts'

const createConversations: Migration = {
  async up(db) {
    await datesOfDevices(db)
    await createMembership(db)
    await createKeys(db)
    await createReceipts(db)
  },
}

/** A key may be closed to devices that came later: the query must know since when there is a device. */
async function datesOfDevices(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .alterTable('directory_devices')
    .addColumn('since', 'bigint', (column) => column.notNull().defaultTo(0))
    .execute()
  await sql`update directory_devices set since = not_before`.execute(db)
}

async function createMembership(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('conversations')
    .addColumn('application_id', 'text', (column) => column.notNull())
    .addColumn('id', 'text', (column) => column.notNull())
    .addColumn('sequence', 'bigint', (column) => column.notNull())
    .addColumn('head', 'bytea', (column) => column.notNull())
    .addColumn('mode', 'text', (column) => column.notNull())
    .addColumn('history', 'text', (column) => column.notNull())
    .addColumn('rotation', 'text', (column) => column.notNull())
    .addColumn('retention_days', 'bigint')
    .addColumn('created_at', 'bigint', (column) => column.notNull())
    .addColumn('created_by', 'text', (column) => column.notNull())
    .addColumn('changed_at', 'bigint', (column) => column.notNull())
    .addColumn('current_key', 'text')
    .addPrimaryKeyConstraint('conversations_key', ['application_id', 'id'])
    .execute()
  await db.schema
    .createTable('conversation_entries')
    .addColumn('application_id', 'text', (column) => column.notNull())
    .addColumn('conversation', 'text', (column) => column.notNull())
    .addColumn('sequence', 'bigint', (column) => column.notNull())
    .addColumn('entry', 'text', (column) => column.notNull())
    .addColumn('entry_hash', 'bytea', (column) => column.notNull())
    .addColumn('kind', 'text', (column) => column.notNull())
    .addColumn('username', 'text', (column) => column.notNull())
    .addColumn('device', 'text', (column) => column.notNull())
    .addColumn('accepted_at', 'bigint', (column) => column.notNull())
    .addColumn('opening', 'text', (column) => column.notNull())
    .addColumn('batch_index', 'bigint', (column) => column.notNull())
    .addColumn('batch_size', 'bigint', (column) => column.notNull())
    .addColumn('batch_proof', 'text', (column) => column.notNull())
    .addColumn('log_index', 'bigint', (column) => column.notNull())
    .addPrimaryKeyConstraint('conversation_entries_key', ['application_id', 'conversation', 'sequence'])
    .execute()
  await db.schema
    .createTable('conversation_members')
    .addColumn('application_id', 'text', (column) => column.notNull())
    .addColumn('conversation', 'text', (column) => column.notNull())
    .addColumn('username', 'text', (column) => column.notNull())
    .addColumn('from_sequence', 'bigint', (column) => column.notNull())
    .addColumn('from_at', 'bigint', (column) => column.notNull())
    .addColumn('to_sequence', 'bigint')
    .addColumn('to_at', 'bigint')
    .addColumn('role', 'text', (column) => column.notNull())
    .addColumn('chain', 'bigint', (column) => column.notNull())
    .addColumn('history', 'text', (column) => column.notNull())
    .addPrimaryKeyConstraint('conversation_members_key', [
      'application_id',
      'conversation',
      'username',
      'from_sequence',
    ])
    .execute()
  await db.schema
    .createIndex('conversation_members_user')
    .on('conversation_members')
    .columns(['application_id', 'username', 'conversation'])
    .execute()
}

async function createKeys(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('conversation_keys')
    .addColumn('application_id', 'text', (column) => column.notNull())
    .addColumn('id', 'text', (column) => column.notNull())
    .addColumn('conversation', 'text', (column) => column.notNull())
    .addColumn('ordinal', 'bigint', (column) => column.notNull())
    .addColumn('mode', 'text', (column) => column.notNull())
    .addColumn('algorithm', 'text', (column) => column.notNull())
    .addColumn('membership', 'bigint', (column) => column.notNull())
    .addColumn('membership_head', 'bytea', (column) => column.notNull())
    .addColumn('created_at', 'bigint', (column) => column.notNull())
    .addColumn('username', 'text')
    .addColumn('device', 'text')
    .addColumn('wrapped_key', 'bytea')
    .addColumn('master_key_id', 'text')
    .addColumn('stored_in', 'text')
    .addColumn('announcement', 'text')
    .addColumn('commitment', 'bytea')
    .addColumn('recipients', 'bigint', (column) => column.notNull())
    .addColumn('complete', 'bigint', (column) => column.notNull())
    .addColumn('superseded_at', 'bigint')
    .addColumn('erased_at', 'bigint')
    .addPrimaryKeyConstraint('conversation_keys_key', ['application_id', 'id'])
    .execute()
  await db.schema
    .createIndex('conversation_keys_ordinal')
    .unique()
    .on('conversation_keys')
    .columns(['application_id', 'conversation', 'ordinal'])
    .execute()
  await db.schema
    .createIndex('conversation_keys_superseded')
    .on('conversation_keys')
    .columns(['erased_at', 'superseded_at'])
    .execute()
  // What a change of the master key still has to move.
  await db.schema
    .createIndex('conversation_keys_master')
    .on('conversation_keys')
    .columns(['master_key_id', 'application_id', 'id'])
    .where('master_key_id', 'is not', null)
    .execute()
  await db.schema
    .createTable('conversation_recipients')
    .addColumn('application_id', 'text', (column) => column.notNull())
    .addColumn('key_id', 'text', (column) => column.notNull())
    .addColumn('device', 'text', (column) => column.notNull())
    .addColumn('username', 'text', (column) => column.notNull())
    .addColumn('thumbprint', 'text', (column) => column.notNull())
    .addColumn('wrapped', 'text', (column) => column.notNull())
    .addColumn('position', 'bigint')
    .addColumn('proof', 'text')
    .addPrimaryKeyConstraint('conversation_recipients_key', ['application_id', 'key_id', 'device'])
    .execute()
  await db.schema
    .createTable('conversation_shares')
    .addColumn('application_id', 'text', (column) => column.notNull())
    .addColumn('key_id', 'text', (column) => column.notNull())
    .addColumn('device', 'text', (column) => column.notNull())
    .addColumn('username', 'text', (column) => column.notNull())
    .addColumn('share', 'text', (column) => column.notNull())
    .addColumn('wrapped', 'text', (column) => column.notNull())
    .addColumn('shared_at', 'bigint', (column) => column.notNull())
    .addPrimaryKeyConstraint('conversation_shares_key', ['application_id', 'key_id', 'device'])
    .execute()
  await db.schema
    .createTable('conversation_requests')
    .addColumn('application_id', 'text', (column) => column.notNull())
    .addColumn('conversation', 'text', (column) => column.notNull())
    .addColumn('key_id', 'text', (column) => column.notNull())
    .addColumn('device', 'text', (column) => column.notNull())
    .addColumn('username', 'text', (column) => column.notNull())
    .addColumn('requested_at', 'bigint', (column) => column.notNull())
    .addPrimaryKeyConstraint('conversation_requests_key', [
      'application_id',
      'conversation',
      'key_id',
      'device',
    ])
    .execute()
  await db.schema
    .createIndex('conversation_requests_time')
    .on('conversation_requests')
    .column('requested_at')
    .execute()
}

async function createReceipts(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('conversation_receipts')
    .addColumn('application_id', 'text', (column) => column.notNull())
    .addColumn('conversation', 'text', (column) => column.notNull())
    .addColumn('sequence', 'bigint', (column) => column.notNull())
    .addColumn('item', 'text', (column) => column.notNull())
    .addColumn('opening', 'text', (column) => column.notNull())
    .addColumn('batch_index', 'bigint', (column) => column.notNull())
    .addColumn('batch_size', 'bigint', (column) => column.notNull())
    .addColumn('batch_proof', 'text', (column) => column.notNull())
    .addColumn('log_index', 'bigint', (column) => column.notNull())
    .addPrimaryKeyConstraint('conversation_receipts_key', ['application_id', 'conversation', 'sequence'])
    .execute()
  await db.schema
    .createTable('conversation_exports')
    .addColumn('application_id', 'text', (column) => column.notNull())
    .addColumn('id', 'text', (column) => column.notNull())
    .addColumn('conversation', 'text', (column) => column.notNull())
    .addColumn('reason', 'text', (column) => column.notNull())
    .addColumn('from_at', 'bigint')
    .addColumn('to_at', 'bigint')
    .addColumn('requested_by', 'text', (column) => column.notNull())
    .addColumn('requested_at', 'bigint', (column) => column.notNull())
    .addColumn('approved_by', 'text')
    .addColumn('approved_at', 'bigint')
    .addColumn('downloaded_at', 'bigint')
    .addPrimaryKeyConstraint('conversation_exports_key', ['application_id', 'id'])
    .execute()
  await db.schema
    .createIndex('conversation_exports_conversation')
    .on('conversation_exports')
    .columns(['application_id', 'conversation'])
    .execute()
}

/** What is counted before more of it is taken. */
const boundConversations: Migration = {
  async up(db) {
    await db.schema
      .createIndex('conversations_created')
      .on('conversations')
      .columns(['application_id', 'created_by', 'created_at'])
      .execute()
    await db.schema
      .createIndex('conversation_keys_incomplete')
      .on('conversation_keys')
      .columns(['application_id', 'conversation', 'device'])
      .where(sql<boolean>`complete = 0`)
      .execute()
  },
}

/** Conversations: their members, keys, receipts and exports. */
export const conversationsSchema: FeatureSchema = {
  migrations: {
    '0005-conversations': createConversations,
    '0007-conversation-bounds': boundConversations,
  },
  tables: [
    { name: 'conversations', primaryKey: ['application_id', 'id'], backup: true },
    {
      name: 'conversation_entries',
      primaryKey: ['application_id', 'conversation', 'sequence'],
      backup: true,
    },
    {
      name: 'conversation_members',
      primaryKey: ['application_id', 'conversation', 'username', 'from_sequence'],
      backup: true,
    },
    { name: 'conversation_keys', primaryKey: ['application_id', 'id'], backup: true },
    { name: 'conversation_recipients', primaryKey: ['application_id', 'key_id', 'device'], backup: true },
    { name: 'conversation_shares', primaryKey: ['application_id', 'key_id', 'device'], backup: true },
    {
      name: 'conversation_requests',
      primaryKey: ['application_id', 'conversation', 'key_id', 'device'],
      backup: true,
    },
    {
      name: 'conversation_receipts',
      primaryKey: ['application_id', 'conversation', 'sequence'],
      backup: true,
    },
    { name: 'conversation_exports', primaryKey: ['application_id', 'id'], backup: true },
  ],
}
