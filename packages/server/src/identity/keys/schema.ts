import { PROFILES } from '@keyhaven/identity/names'
import type { Migration } from 'kysely/migration'
import type { FeatureSchema } from '../../platform/database/feature-schema.ts'

/** A key's name and generation. */
const KEY_COLUMNS = ['application_id', 'app_id', 'ref_id', 'generation'] as const

const createIdentityKeys: Migration = {
  async up(db) {
    for (const profile of PROFILES) {
      const keys = `identity_keys_${profile}`
      await db.schema
        .createTable(keys)
        .addColumn('application_id', 'text', (column) => column.notNull())
        .addColumn('app_id', 'text', (column) => column.notNull())
        .addColumn('ref_id', 'text', (column) => column.notNull())
        .addColumn('generation', 'bigint', (column) => column.notNull())
        .addColumn('thumbprint', 'text', (column) => column.notNull())
        .addColumn('certificate', 'bytea', (column) => column.notNull())
        .addColumn('parent_generation', 'bigint')
        .addColumn('private_key', 'text')
        .addColumn('created_at', 'bigint', (column) => column.notNull())
        .addColumn('not_after', 'bigint', (column) => column.notNull())
        .addPrimaryKeyConstraint(`${keys}_key`, [...KEY_COLUMNS])
        .execute()
      const moduleKeys = `identity_module_keys_${profile}`
      await db.schema
        .createTable(moduleKeys)
        .addColumn('application_id', 'text', (column) => column.notNull())
        .addColumn('app_id', 'text', (column) => column.notNull())
        .addColumn('ref_id', 'text', (column) => column.notNull())
        .addColumn('generation', 'bigint', (column) => column.notNull())
        .addColumn('kind', 'text', (column) => column.notNull())
        .addColumn('wrapped_key', 'bytea', (column) => column.notNull())
        .addColumn('master_key_id', 'text', (column) => column.notNull())
        .addColumn('created_at', 'bigint', (column) => column.notNull())
        .addPrimaryKeyConstraint(`${moduleKeys}_key`, [...KEY_COLUMNS])
        .execute()
      // What a change of the master key still has to move.
      await db.schema
        .createIndex(`${moduleKeys}_master`)
        .on(moduleKeys)
        .columns(['master_key_id', ...KEY_COLUMNS])
        .execute()
    }
    await db.schema
      .createTable('identity_key_policies')
      .addColumn('application_id', 'text', (column) => column.notNull())
      .addColumn('app_id', 'text', (column) => column.notNull())
      .addColumn('actor', 'text', (column) => column.notNull())
      .addPrimaryKeyConstraint('identity_key_policies_key', ['application_id', 'app_id', 'actor'])
      .execute()
  },
}

/** Certificates and keys of the identity capability, by profile. */
export const identityKeySchema: FeatureSchema = {
  migrations: { '0008-identity-keys': createIdentityKeys },
  tables: [
    ...PROFILES.flatMap((profile) => [
      { name: `identity_keys_${profile}`, primaryKey: KEY_COLUMNS, backup: true },
      { name: `identity_module_keys_${profile}`, primaryKey: KEY_COLUMNS, backup: true },
    ]),
    { name: 'identity_key_policies', primaryKey: ['application_id', 'app_id', 'actor'], backup: true },
  ],
}
