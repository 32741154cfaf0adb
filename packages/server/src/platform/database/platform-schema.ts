import { randomUUID } from 'node:crypto'
import type { Migration } from 'kysely/migration'
import { AUDIT_GENESIS_HASH } from '../audit/audit-hash.ts'
import type { FeatureSchema } from './feature-schema.ts'

const createPlatform: Migration = {
  async up(db) {
    await db.schema
      .createTable('state_head')
      .addColumn('id', 'bigint', (column) => column.primaryKey())
      .addColumn('installation', 'text', (column) => column.notNull())
      .addColumn('version', 'bigint', (column) => column.notNull())
      .addColumn('audit_sequence', 'bigint', (column) => column.notNull())
      .addColumn('audit_hash', 'bytea', (column) => column.notNull())
      .addColumn('audit_at', 'bigint', (column) => column.notNull())
      .addColumn('master_key_id', 'text', (column) => column.notNull())
      .addColumn('restored_at', 'bigint', (column) => column.notNull())
      .execute()
    await db
      .insertInto('state_head')
      .values({
        id: 1,
        installation: randomUUID(),
        version: 0,
        audit_sequence: 0,
        audit_hash: AUDIT_GENESIS_HASH,
        audit_at: 0,
        master_key_id: '',
        restored_at: 0,
      })
      .execute()
    await db.schema
      .createTable('state_changes')
      .addColumn('version', 'bigint', (column) => column.notNull())
      .addColumn('application_id', 'text', (column) => column.notNull())
      .addPrimaryKeyConstraint('state_changes_key', ['version', 'application_id'])
      .execute()
    await db.schema
      .createTable('audit_entries')
      .addColumn('sequence', 'bigint', (column) => column.primaryKey())
      .addColumn('at', 'bigint', (column) => column.notNull())
      .addColumn('actor', 'text', (column) => column.notNull())
      .addColumn('action', 'text', (column) => column.notNull())
      .addColumn('application_id', 'text', (column) => column.notNull())
      .addColumn('subject', 'text', (column) => column.notNull())
      .addColumn('detail', 'text', (column) => column.notNull())
      .addColumn('hash', 'bytea', (column) => column.notNull())
      .execute()
    for (const column of ['actor', 'action', 'application_id']) {
      await db.schema
        .createIndex(`audit_entries_${column}`)
        .on('audit_entries')
        .columns([column, 'sequence'])
        .execute()
    }
    await db.schema.createIndex('audit_entries_at').on('audit_entries').columns(['at', 'sequence']).execute()
    await db.schema
      .createTable('manifests')
      .addColumn('application_id', 'text', (column) => column.primaryKey())
      .addColumn('epoch', 'bigint', (column) => column.notNull())
      .addColumn('sequence', 'bigint', (column) => column.notNull())
      .execute()
  },
}

/** Version counter, change log, audit log, manifest positions. */
export const platformSchema: FeatureSchema = {
  migrations: { '0001-platform': createPlatform },
  tables: [
    { name: 'state_head', primaryKey: ['id'], backup: true },
    { name: 'state_changes', primaryKey: ['version', 'application_id'], backup: false },
    { name: 'audit_entries', primaryKey: ['sequence'], backup: true },
    { name: 'manifests', primaryKey: ['application_id'], backup: true },
  ],
}
