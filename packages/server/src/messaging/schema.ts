import type { Migration } from 'kysely/migration'
import type { FeatureSchema } from '../platform/database/feature-schema.ts'

const createMessaging: Migration = {
  async up(db) {
    await db.schema
      .createTable('mailbox_heads')
      .addColumn('application_id', 'text', (column) => column.notNull())
      .addColumn('username', 'text', (column) => column.notNull())
      .addColumn('cursor', 'bigint', (column) => column.notNull())
      .addPrimaryKeyConstraint('mailbox_heads_key', ['application_id', 'username'])
      .execute()
    await db.schema
      .createTable('mailbox_messages')
      .addColumn('application_id', 'text', (column) => column.notNull())
      .addColumn('id', 'text', (column) => column.notNull())
      .addColumn('from_username', 'text', (column) => column.notNull())
      .addColumn('from_device', 'text', (column) => column.notNull())
      .addColumn('envelope', 'text', (column) => column.notNull())
      .addColumn('received_at', 'bigint', (column) => column.notNull())
      .addPrimaryKeyConstraint('mailbox_messages_key', ['application_id', 'id'])
      .execute()
    await db.schema
      .createTable('mailbox_deliveries')
      .addColumn('application_id', 'text', (column) => column.notNull())
      .addColumn('username', 'text', (column) => column.notNull())
      .addColumn('cursor', 'bigint', (column) => column.notNull())
      .addColumn('message_id', 'text', (column) => column.notNull())
      .addColumn('received_at', 'bigint', (column) => column.notNull())
      .addPrimaryKeyConstraint('mailbox_deliveries_key', ['application_id', 'username', 'cursor'])
      .execute()
    // Retention deletes by time alone.
    for (const table of ['mailbox_messages', 'mailbox_deliveries']) {
      await db.schema.createIndex(`${table}_time`).on(table).column('received_at').execute()
    }
    await db.schema
      .createTable('history_batches')
      .addColumn('application_id', 'text', (column) => column.notNull())
      .addColumn('username', 'text', (column) => column.notNull())
      .addColumn('recipient', 'text', (column) => column.notNull())
      .addColumn('cursor', 'bigint', (column) => column.notNull())
      .addColumn('batch', 'text', (column) => column.notNull())
      .addColumn('characters', 'bigint', (column) => column.notNull())
      .addColumn('from_device', 'text', (column) => column.notNull())
      .addColumn('received_at', 'bigint', (column) => column.notNull())
      .addPrimaryKeyConstraint('history_batches_key', ['application_id', 'username', 'recipient', 'cursor'])
      .execute()
    await db.schema
      .createTable('recovery_blobs')
      .addColumn('application_id', 'text', (column) => column.notNull())
      .addColumn('username', 'text', (column) => column.notNull())
      .addColumn('kind', 'text', (column) => column.notNull())
      .addColumn('wrapped', 'text', (column) => column.notNull())
      .addColumn('changed_at', 'bigint', (column) => column.notNull())
      .addPrimaryKeyConstraint('recovery_blobs_key', ['application_id', 'username', 'kind'])
      .execute()
  },
}

/** Mailbox and encrypted history. */
export const messagingSchema: FeatureSchema = {
  migrations: { '0004-messaging': createMessaging },
  tables: [
    { name: 'mailbox_heads', primaryKey: ['application_id', 'username'], backup: true },
    { name: 'mailbox_messages', primaryKey: ['application_id', 'id'], backup: true },
    { name: 'mailbox_deliveries', primaryKey: ['application_id', 'username', 'cursor'], backup: true },
    {
      name: 'history_batches',
      primaryKey: ['application_id', 'username', 'recipient', 'cursor'],
      backup: true,
    },
    { name: 'recovery_blobs', primaryKey: ['application_id', 'username', 'kind'], backup: true },
  ],
}
