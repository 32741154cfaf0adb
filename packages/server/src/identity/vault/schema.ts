import type { Kysely } from 'kysely'
import type { Migration } from 'kysely/migration'
import type { FeatureSchema, TableInfo } from '../../platform/database/feature-schema.ts'

const PROFILES = ['mosip', 'keyhaven'] as const
const OWNERS = ['identity', 'ida'] as const

const createVault: Migration = {
  async up(db) {
    for (const profile of PROFILES) {
      for (const owner of OWNERS) await createPoolKeys(db, `${owner}_pool_keys_${profile}`)
      await createIdaRecords(db, profile)
    }
    await createPools(db)
    for (const owner of OWNERS) {
      await db.schema
        .createTable(`${owner}_id_salts`)
        .addColumn('application_id', 'text', (column) => column.notNull())
        .addColumn('modulo', 'bigint', (column) => column.notNull())
        .addColumn('salt', 'text', (column) => column.notNull())
        .addPrimaryKeyConstraint(`${owner}_id_salts_key`, ['application_id', 'modulo'])
        .execute()
    }
    await db.schema
      .createTable('identity_vault_recipients')
      .addColumn('application_id', 'text', (column) => column.notNull())
      .addColumn('partner_id', 'text', (column) => column.notNull())
      .addColumn('thumbprint', 'text', (column) => column.notNull())
      .addColumn('certificate', 'bytea', (column) => column.notNull())
      .addColumn('added_at', 'bigint', (column) => column.notNull())
      .addColumn('added_by', 'text', (column) => column.notNull())
      .addPrimaryKeyConstraint('identity_vault_recipients_key', [
        'application_id',
        'partner_id',
        'thumbprint',
      ])
      .execute()
  },
}

async function createPoolKeys(db: Kysely<unknown>, table: string): Promise<void> {
  await db.schema
    .createTable(table)
    .addColumn('application_id', 'text', (column) => column.notNull())
    .addColumn('key_index', 'bigint', (column) => column.notNull())
    .addColumn('wrapped', 'text', (column) => column.notNull())
    .addColumn('key_check', 'text', (column) => column.notNull())
    .addColumn('source', 'text', (column) => column.notNull())
    .addColumn('created_at', 'bigint', (column) => column.notNull())
    .addPrimaryKeyConstraint(`${table}_key`, ['application_id', 'key_index'])
    .execute()
}

async function createPools(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('identity_pools')
    .addColumn('application_id', 'text', (column) => column.notNull())
    .addColumn('owner', 'text', (column) => column.notNull())
    .addColumn('profile', 'text', (column) => column.notNull())
    .addColumn('generation', 'bigint', (column) => column.notNull())
    .addColumn('keys', 'bigint', (column) => column.notNull())
    .addColumn('created_at', 'bigint', (column) => column.notNull())
    .addPrimaryKeyConstraint('identity_pools_key', ['application_id', 'owner', 'profile', 'generation'])
    .execute()
  await db.schema
    .createTable('identity_pool_conflicts')
    .addColumn('application_id', 'text', (column) => column.notNull())
    .addColumn('owner', 'text', (column) => column.notNull())
    .addColumn('profile', 'text', (column) => column.notNull())
    .addColumn('id', 'text', (column) => column.notNull())
    .addColumn('kind', 'text', (column) => column.notNull())
    .addColumn('key_index', 'bigint', (column) => column.notNull())
    .addColumn('key_check', 'text', (column) => column.notNull())
    .addColumn('other_check', 'text', (column) => column.notNull())
    .addColumn('source', 'text', (column) => column.notNull())
    .addColumn('seen_at', 'bigint', (column) => column.notNull())
    .addColumn('closed_at', 'bigint')
    .addColumn('closed_by', 'text')
    .addColumn('reason', 'text')
    .addPrimaryKeyConstraint('identity_pool_conflicts_key', ['application_id', 'id'])
    .addUniqueConstraint('identity_pool_conflicts_once', [
      'application_id',
      'owner',
      'profile',
      'kind',
      'key_index',
      'other_check',
      'source',
    ])
    .execute()
}

async function createIdaRecords(db: Kysely<unknown>, profile: string): Promise<void> {
  const records = `ida_records_${profile}`
  await db.schema
    .createTable(records)
    .addColumn('application_id', 'text', (column) => column.notNull())
    .addColumn('id_hash', 'text', (column) => column.notNull())
    .addColumn('credential_id', 'text', (column) => column.notNull())
    .addColumn('partner_id', 'text', (column) => column.notNull())
    .addColumn('policy_id', 'text', (column) => column.notNull())
    .addColumn('token', 'text', (column) => column.notNull())
    .addColumn('state', 'text', (column) => column.notNull())
    .addColumn('issued_at', 'bigint', (column) => column.notNull())
    .addColumn('state_at', 'bigint', (column) => column.notNull())
    .addColumn('expires_at', 'bigint')
    .addColumn('transactions_left', 'bigint')
    .addColumn('generation', 'bigint', (column) => column.notNull())
    .addColumn('oprf_key', 'bigint', (column) => column.notNull())
    .addColumn('revision', 'bigint', (column) => column.notNull())
    .addPrimaryKeyConstraint(`${records}_key`, ['application_id', 'id_hash'])
    .execute()
  // Which keys are still in use: asked at each look-up, so from an index.
  for (const column of ['generation', 'oprf_key']) {
    await db.schema
      .createIndex(`${records}_${column}`)
      .on(records)
      .columns(['application_id', column])
      .execute()
  }
  await db.schema
    .createTable(`ida_attributes_${profile}`)
    .addColumn('application_id', 'text', (column) => column.notNull())
    .addColumn('id_hash', 'text', (column) => column.notNull())
    .addColumn('name', 'text', (column) => column.notNull())
    .addColumn('value', 'text', (column) => column.notNull())
    .addColumn('sealed', 'bigint', (column) => column.notNull())
    .addPrimaryKeyConstraint(`ida_attributes_${profile}_key`, ['application_id', 'id_hash', 'name'])
    .execute()
}

function table(name: string, primaryKey: readonly string[]): TableInfo {
  return { name, primaryKey: ['application_id', ...primaryKey], backup: true }
}

/** Pools of keys, and what an IDA keeps of people; each profile in tables of its own. */
export const vaultSchema: FeatureSchema = {
  migrations: { '0012-identity-vault': createVault },
  tables: [
    ...PROFILES.flatMap((profile) => [
      ...OWNERS.map((owner) => table(`${owner}_pool_keys_${profile}`, ['key_index'])),
      table(`ida_records_${profile}`, ['id_hash']),
      table(`ida_attributes_${profile}`, ['id_hash', 'name']),
    ]),
    table('identity_pools', ['owner', 'profile', 'generation']),
    table('identity_pool_conflicts', ['id']),
    ...OWNERS.map((owner) => table(`${owner}_id_salts`, ['modulo'])),
    table('identity_vault_recipients', ['partner_id', 'thumbprint']),
  ],
}
