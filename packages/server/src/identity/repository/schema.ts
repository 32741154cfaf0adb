import { PROFILES, type Profile } from '@keyhaven/identity/names'
import type { Kysely } from 'kysely'
import type { Migration } from 'kysely/migration'
import type { FeatureSchema } from '../../platform/database/feature-schema.ts'

const createRepository: Migration = {
  async up(db) {
    for (const profile of PROFILES) await createOf(db, profile)
    await db.schema
      .createTable('identity_uin_salts')
      .addColumn('application_id', 'text', (column) => column.notNull())
      .addColumn('id', 'bigint', (column) => column.notNull())
      .addColumn('hash_salt', 'text', (column) => column.notNull())
      .addColumn('encrypt_salt', 'text', (column) => column.notNull())
      .addPrimaryKeyConstraint('identity_uin_salts_key', ['application_id', 'id'])
      .execute()
    await db.schema
      .createTable('identity_record_keys')
      .addColumn('application_id', 'text', (column) => column.notNull())
      .addColumn('id', 'text', (column) => column.notNull())
      .addColumn('wrapped_key', 'bytea', (column) => column.notNull())
      .addColumn('master_key_id', 'text', (column) => column.notNull())
      .addPrimaryKeyConstraint('identity_record_keys_key', ['application_id', 'id'])
      .execute()
  },
}

/** Two profiles never share a row. */
async function createOf(db: Kysely<unknown>, profile: Profile): Promise<void> {
  const records = `identity_records_${profile}`
  await db.schema
    .createTable(records)
    .addColumn('application_id', 'text', (column) => column.notNull())
    .addColumn('record', 'text', (column) => column.notNull())
    .addColumn('tag', 'text', (column) => column.notNull())
    .addColumn('uin', 'text', (column) => column.notNull())
    .addColumn('status', 'text', (column) => column.notNull())
    .addColumn('version', 'bigint', (column) => column.notNull())
    .addColumn('rid', 'text', (column) => column.notNull())
    .addColumn('created_at', 'bigint', (column) => column.notNull())
    .addColumn('changed_at', 'bigint', (column) => column.notNull())
    .addPrimaryKeyConstraint(`${records}_key`, ['application_id', 'record'])
    .execute()
  // A number is given once, and a registration gets one number.
  for (const column of ['tag', 'rid']) {
    await db.schema
      .createIndex(`${records}_${column}`)
      .unique()
      .on(records)
      .columns(['application_id', column])
      .execute()
  }
  const versions = `identity_versions_${profile}`
  await db.schema
    .createTable(versions)
    .addColumn('application_id', 'text', (column) => column.notNull())
    .addColumn('record', 'text', (column) => column.notNull())
    .addColumn('version', 'bigint', (column) => column.notNull())
    .addColumn('rid', 'text', (column) => column.notNull())
    .addColumn('data', 'bytea', (column) => column.notNull())
    .addColumn('digest', 'text', (column) => column.notNull())
    .addColumn('files', 'text', (column) => column.notNull())
    .addColumn('created_at', 'bigint', (column) => column.notNull())
    .addPrimaryKeyConstraint(`${versions}_key`, ['application_id', 'record', 'version'])
    .execute()
  const vids = `identity_vids_${profile}`
  await db.schema
    .createTable(vids)
    .addColumn('application_id', 'text', (column) => column.notNull())
    .addColumn('tag', 'text', (column) => column.notNull())
    .addColumn('record', 'text', (column) => column.notNull())
    .addColumn('type', 'text', (column) => column.notNull())
    .addColumn('vid', 'text', (column) => column.notNull())
    .addColumn('status', 'text', (column) => column.notNull())
    .addColumn('created_at', 'bigint', (column) => column.notNull())
    .addColumn('expires_at', 'bigint')
    .addColumn('transactions_left', 'bigint')
    .addPrimaryKeyConstraint(`${vids}_key`, ['application_id', 'tag'])
    .execute()
  await db.schema.createIndex(`${vids}_record`).on(vids).columns(['application_id', 'record']).execute()
}

/** Identities; their files are in the object store. */
export const repositorySchema: FeatureSchema = {
  migrations: { '0010-identity-repository': createRepository },
  tables: [
    { name: 'identity_uin_salts', primaryKey: ['application_id', 'id'], backup: true },
    { name: 'identity_record_keys', primaryKey: ['application_id', 'id'], backup: true },
    ...PROFILES.flatMap((profile) => [
      { name: `identity_records_${profile}`, primaryKey: ['application_id', 'record'], backup: true },
      {
        name: `identity_versions_${profile}`,
        primaryKey: ['application_id', 'record', 'version'],
        backup: true,
      },
      { name: `identity_vids_${profile}`, primaryKey: ['application_id', 'tag'], backup: true },
    ]),
  ],
}
