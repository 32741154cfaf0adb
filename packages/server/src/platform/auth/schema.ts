import type { Migration } from 'kysely/migration'
import type { FeatureSchema } from '../database/feature-schema.ts'

const createAuth: Migration = {
  async up(db) {
    await db.schema
      .createTable('api_tokens')
      .addColumn('id', 'text', (column) => column.primaryKey())
      .addColumn('name', 'text', (column) => column.notNull().unique())
      .addColumn('token_hash', 'bytea', (column) => column.notNull().unique())
      .addColumn('roles', 'text', (column) => column.notNull())
      .addColumn('created_at', 'bigint', (column) => column.notNull())
      .addColumn('expires_at', 'bigint')
      .addColumn('last_used_at', 'bigint')
      .execute()
    await db.schema
      .createTable('sessions')
      .addColumn('session_hash', 'bytea', (column) => column.primaryKey())
      .addColumn('actor', 'text', (column) => column.notNull())
      .addColumn('roles', 'text', (column) => column.notNull())
      .addColumn('method', 'text', (column) => column.notNull())
      .addColumn('token_id', 'text', (column) => column.notNull())
      .addColumn('created_at', 'bigint', (column) => column.notNull())
      .addColumn('expires_at', 'bigint', (column) => column.notNull())
      .execute()
    await db.schema.createIndex('sessions_expiry').on('sessions').column('expires_at').execute()
    await db.schema
      .createTable('oidc_attempts')
      .addColumn('attempt_hash', 'bytea', (column) => column.primaryKey())
      .addColumn('state', 'text', (column) => column.notNull())
      .addColumn('nonce', 'text', (column) => column.notNull())
      .addColumn('code_verifier', 'text', (column) => column.notNull())
      .addColumn('expires_at', 'bigint', (column) => column.notNull())
      .execute()
    await db.schema.createIndex('oidc_attempts_expiry').on('oidc_attempts').column('expires_at').execute()
  },
}

const addMakers: Migration = {
  async up(db) {
    await db.schema.alterTable('api_tokens').addColumn('makers', 'text').execute()
  },
}

/** Sign-in: API tokens, dashboard sessions, OIDC attempts. */
export const authSchema: FeatureSchema = {
  migrations: { '0001-auth': createAuth, '0007-token-makers': addMakers },
  tables: [
    { name: 'api_tokens', primaryKey: ['id'], backup: true },
    { name: 'sessions', primaryKey: ['session_hash'], backup: false },
    { name: 'oidc_attempts', primaryKey: ['attempt_hash'], backup: false },
  ],
}
