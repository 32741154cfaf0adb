import type { Kysely } from 'kysely'
import type { Migration } from 'kysely/migration'
import type { FeatureSchema } from '../../platform/database/feature-schema.ts'

const createRegistration: Migration = {
  async up(db) {
    await createStations(db)
    await createPackets(db)
    await createRegistrations(db)
  },
}

async function createStations(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('identity_centres')
    .addColumn('application_id', 'text', (column) => column.notNull())
    .addColumn('id', 'text', (column) => column.notNull())
    .addColumn('name', 'text', (column) => column.notNull())
    .addColumn('created_at', 'bigint', (column) => column.notNull())
    .addColumn('closed_at', 'bigint')
    .addPrimaryKeyConstraint('identity_centres_key', ['application_id', 'id'])
    .execute()
  await db.schema
    .createTable('identity_machines')
    .addColumn('application_id', 'text', (column) => column.notNull())
    .addColumn('centre', 'text', (column) => column.notNull())
    .addColumn('id', 'text', (column) => column.notNull())
    .addColumn('public_key', 'bytea', (column) => column.notNull())
    .addColumn('key_index', 'text', (column) => column.notNull())
    .addColumn('created_at', 'bigint', (column) => column.notNull())
    .addColumn('ended_at', 'bigint')
    .addPrimaryKeyConstraint('identity_machines_key', ['application_id', 'centre', 'id'])
    .execute()
  await db.schema
    .createTable('identity_officers')
    .addColumn('application_id', 'text', (column) => column.notNull())
    .addColumn('officer', 'text', (column) => column.notNull())
    .addColumn('since', 'bigint', (column) => column.notNull())
    .addColumn('until', 'bigint')
    .addColumn('added_by', 'text', (column) => column.notNull())
    .addPrimaryKeyConstraint('identity_officers_key', ['application_id', 'officer', 'since'])
    .execute()
}

async function createPackets(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('identity_packets')
    .addColumn('application_id', 'text', (column) => column.notNull())
    .addColumn('id', 'text', (column) => column.notNull())
    .addColumn('rid', 'text', (column) => column.notNull())
    .addColumn('ref_id', 'text', (column) => column.notNull())
    .addColumn('actor', 'text', (column) => column.notNull())
    .addColumn('state', 'text', (column) => column.notNull())
    .addColumn('bytes', 'bigint', (column) => column.notNull())
    .addColumn('received', 'bigint', (column) => column.notNull())
    .addColumn('upload', 'text', (column) => column.notNull())
    .addColumn('tail', 'text', (column) => column.notNull())
    .addColumn('tail_bytes', 'bigint', (column) => column.notNull())
    .addColumn('created_at', 'bigint', (column) => column.notNull())
    .addColumn('changed_at', 'bigint', (column) => column.notNull())
    .addPrimaryKeyConstraint('identity_packets_key', ['application_id', 'id'])
    .execute()
  // Unfinished ones, by their last bytes; of one caller.
  await db.schema
    .createIndex('identity_packets_state')
    .on('identity_packets')
    .columns(['application_id', 'state', 'changed_at'])
    .execute()
  await db.schema
    .createTable('identity_packet_parts')
    .addColumn('application_id', 'text', (column) => column.notNull())
    .addColumn('file_id', 'text', (column) => column.notNull())
    .addColumn('part', 'bigint', (column) => column.notNull())
    .addColumn('tag', 'text', (column) => column.notNull())
    .addColumn('bytes', 'bigint', (column) => column.notNull())
    .addPrimaryKeyConstraint('identity_packet_parts_key', ['application_id', 'file_id', 'part'])
    .execute()
}

async function createRegistrations(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('identity_registrations')
    .addColumn('application_id', 'text', (column) => column.notNull())
    .addColumn('rid', 'text', (column) => column.notNull())
    .addColumn('ref_id', 'text', (column) => column.notNull())
    .addColumn('stage', 'text', (column) => column.notNull())
    .addColumn('reason', 'text')
    .addColumn('attempt', 'bigint', (column) => column.notNull())
    .addColumn('packet', 'text', (column) => column.notNull())
    .addColumn('packet_bytes', 'bigint', (column) => column.notNull())
    .addColumn('packet_hash', 'text', (column) => column.notNull())
    .addColumn('officer', 'text')
    .addColumn('demographics', 'bytea')
    .addColumn('receipt', 'text')
    .addColumn('record', 'text')
    .addColumn('received_at', 'bigint', (column) => column.notNull())
    .addColumn('changed_at', 'bigint', (column) => column.notNull())
    .addPrimaryKeyConstraint('identity_registrations_key', ['application_id', 'rid'])
    .execute()
  await db.schema
    .createIndex('identity_registrations_stage')
    .on('identity_registrations')
    .columns(['application_id', 'stage', 'changed_at', 'rid'])
    .execute()
  await db.schema
    .createIndex('identity_registrations_changed')
    .on('identity_registrations')
    .columns(['application_id', 'changed_at', 'rid'])
    .execute()
  await db.schema
    .createTable('identity_registration_events')
    .addColumn('application_id', 'text', (column) => column.notNull())
    .addColumn('rid', 'text', (column) => column.notNull())
    .addColumn('sequence', 'bigint', (column) => column.notNull())
    .addColumn('stage', 'text', (column) => column.notNull())
    .addColumn('reason', 'text')
    .addColumn('at', 'bigint', (column) => column.notNull())
    .addPrimaryKeyConstraint('identity_registration_events_key', ['application_id', 'rid', 'sequence'])
    .execute()
  await db.schema
    .createTable('identity_gallery')
    .addColumn('application_id', 'text', (column) => column.notNull())
    .addColumn('rid', 'text', (column) => column.notNull())
    .addColumn('position', 'bigint', (column) => column.notNull())
    .addColumn('demographic_tag', 'text', (column) => column.notNull())
    .addColumn('biometrics', 'bigint', (column) => column.notNull())
    .addPrimaryKeyConstraint('identity_gallery_key', ['application_id', 'rid'])
    .execute()
  await db.schema
    .createIndex('identity_gallery_position')
    .unique()
    .on('identity_gallery')
    .columns(['application_id', 'position'])
    .execute()
  await db.schema
    .createIndex('identity_gallery_tag')
    .on('identity_gallery')
    .columns(['application_id', 'demographic_tag'])
    .execute()
  await db.schema
    .createTable('identity_simulated_abis')
    .addColumn('application_id', 'text', (column) => column.notNull())
    .addColumn('rid', 'text', (column) => column.notNull())
    .addColumn('templates', 'bytea', (column) => column.notNull())
    .addPrimaryKeyConstraint('identity_simulated_abis_key', ['application_id', 'rid'])
    .execute()
}

const createSchemas: Migration = {
  async up(db) {
    await db.schema
      .createTable('identity_schemas')
      .addColumn('application_id', 'text', (column) => column.notNull())
      .addColumn('version', 'text', (column) => column.notNull())
      .addColumn('schema', 'text', (column) => column.notNull())
      .addColumn('added_at', 'bigint', (column) => column.notNull())
      .addColumn('added_by', 'text', (column) => column.notNull())
      .addPrimaryKeyConstraint('identity_schemas_key', ['application_id', 'version'])
      .execute()
  },
}

/** Registration: who may register where, packets, and how far each registration is. */
export const registrationSchema: FeatureSchema = {
  migrations: {
    '0009-identity-registration': createRegistration,
    '0014-identity-schemas': createSchemas,
  },
  tables: [
    { name: 'identity_centres', primaryKey: ['application_id', 'id'], backup: true },
    { name: 'identity_machines', primaryKey: ['application_id', 'centre', 'id'], backup: true },
    { name: 'identity_officers', primaryKey: ['application_id', 'officer', 'since'], backup: true },
    { name: 'identity_packets', primaryKey: ['application_id', 'id'], backup: true },
    { name: 'identity_packet_parts', primaryKey: ['application_id', 'file_id', 'part'], backup: true },
    { name: 'identity_registrations', primaryKey: ['application_id', 'rid'], backup: true },
    {
      name: 'identity_registration_events',
      primaryKey: ['application_id', 'rid', 'sequence'],
      backup: true,
    },
    { name: 'identity_gallery', primaryKey: ['application_id', 'rid'], backup: true },
    { name: 'identity_schemas', primaryKey: ['application_id', 'version'], backup: true },
    { name: 'identity_simulated_abis', primaryKey: ['application_id', 'rid'], backup: true },
  ],
}
