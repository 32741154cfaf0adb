import type { Migration } from 'kysely/migration'
import type { FeatureSchema } from '../platform/database/feature-schema.ts'

const createFiles: Migration = {
  async up(db) {
    await db.schema
      .createTable('files')
      .addColumn('application_id', 'text', (column) => column.notNull())
      .addColumn('id', 'text', (column) => column.notNull())
      .addColumn('conversation', 'text', (column) => column.notNull())
      .addColumn('membership', 'bigint', (column) => column.notNull())
      .addColumn('username', 'text', (column) => column.notNull())
      .addColumn('device', 'text', (column) => column.notNull())
      .addColumn('state', 'text', (column) => column.notNull())
      .addColumn('bytes', 'bigint', (column) => column.notNull())
      .addColumn('received', 'bigint', (column) => column.notNull())
      .addColumn('upload', 'text', (column) => column.notNull())
      .addColumn('tail', 'text', (column) => column.notNull())
      .addColumn('tail_bytes', 'bigint', (column) => column.notNull())
      .addColumn('created_at', 'bigint', (column) => column.notNull())
      .addColumn('changed_at', 'bigint', (column) => column.notNull())
      .addPrimaryKeyConstraint('files_key', ['application_id', 'id'])
      .execute()
    // Retention, and what a conversation takes up.
    await db.schema
      .createIndex('files_conversation')
      .on('files')
      .columns(['application_id', 'conversation', 'created_at'])
      .execute()
    // Unfinished ones, by their last bytes.
    await db.schema.createIndex('files_state').on('files').columns(['state', 'changed_at']).execute()
    await db.schema
      .createTable('file_parts')
      .addColumn('application_id', 'text', (column) => column.notNull())
      .addColumn('file_id', 'text', (column) => column.notNull())
      .addColumn('part', 'bigint', (column) => column.notNull())
      .addColumn('tag', 'text', (column) => column.notNull())
      .addColumn('bytes', 'bigint', (column) => column.notNull())
      .addPrimaryKeyConstraint('file_parts_key', ['application_id', 'file_id', 'part'])
      .execute()
    await db.schema
      .createTable('file_reads')
      .addColumn('application_id', 'text', (column) => column.notNull())
      .addColumn('file_id', 'text', (column) => column.notNull())
      .addColumn('device', 'text', (column) => column.notNull())
      .addColumn('at', 'bigint', (column) => column.notNull())
      .addPrimaryKeyConstraint('file_reads_key', ['application_id', 'file_id', 'device'])
      .execute()
    await db.schema.createIndex('file_reads_time').on('file_reads').column('at').execute()
  },
}

/** Files of conversations; their bytes are in the object store. */
export const fileSchema: FeatureSchema = {
  migrations: { '0006-files': createFiles },
  tables: [
    { name: 'files', primaryKey: ['application_id', 'id'], backup: true },
    { name: 'file_parts', primaryKey: ['application_id', 'file_id', 'part'], backup: true },
    { name: 'file_reads', primaryKey: ['application_id', 'file_id', 'device'], backup: false },
  ],
}
