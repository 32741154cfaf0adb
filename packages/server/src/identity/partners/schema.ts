import type { Migration } from 'kysely/migration'
import type { FeatureSchema } from '../../platform/database/feature-schema.ts'
import { createRecordTable, recordTable } from './record-table.ts'

const createPartners: Migration = {
  async up(db) {
    await createRecordTable(db, 'identity_policy_groups', {
      ...{ name: 'text', description: 'text', active: 'bigint', created_at: 'bigint' },
    })
    await createRecordTable(db, 'identity_policies', {
      ...{
        group_id: 'text',
        name: 'text',
        description: 'text',
        type: 'text',
        version: 'bigint',
        body: 'text',
      },
      ...{
        draft: 'text',
        state: 'text',
        published_at: 'bigint?',
        valid_until: 'bigint?',
        created_at: 'bigint',
      },
      ...{ changed_at: 'bigint', changed_by: 'text' },
    })
    await createRecordTable(db, 'identity_policy_versions', {
      ...{ policy_id: 'text', version: 'bigint', body: 'text', published_at: 'bigint', published_by: 'text' },
    })
    await createRecordTable(db, 'identity_partners', {
      ...{ type: 'text', organisation: 'text', group_id: 'text', profile: 'text', email: 'text' },
      ...{
        contact_number: 'text',
        address: 'text',
        state: 'text',
        webhook_url: 'text',
        webhook_secret: 'bytea?',
      },
      ...{ encryption_key: 'bytea?', created_at: 'bigint', created_by: 'text', changed_at: 'bigint' },
    })
    await createRecordTable(db, 'identity_authorities', {
      ...{ domain: 'text', certificate: 'bytea', subject: 'text', root: 'bigint', not_before: 'bigint' },
      ...{ not_after: 'bigint', state: 'text', uploaded_at: 'bigint', uploaded_by: 'text' },
    })
    await createRecordTable(db, 'identity_partner_certificates', {
      ...{
        partner_id: 'text',
        certificate: 'bytea',
        chain: 'text',
        valid_from: 'bigint',
        valid_until: 'bigint',
      },
      ...{ state: 'text', uploaded_at: 'bigint', uploaded_by: 'text' },
    })
    await createRecordTable(db, 'identity_subscriptions', {
      ...{ partner_id: 'text', policy_id: 'text', purpose: 'text', state: 'text', reason: 'text' },
      ...{ requested_at: 'bigint', requested_by: 'text', decided_at: 'bigint?', decided_by: 'text' },
    })
    await createRecordTable(db, 'identity_api_keys', {
      ...{ partner_id: 'text', policy_id: 'text', label: 'text', key_hash: 'bytea', state: 'text' },
      ...{ created_at: 'bigint', expires_at: 'bigint', created_by: 'text' },
    })
    await createRecordTable(db, 'identity_licences', {
      ...{ partner_id: 'text', key_hash: 'bytea', state: 'text' },
      ...{ created_at: 'bigint', expires_at: 'bigint', created_by: 'text' },
    })
    for (const [table, columns] of Object.entries(LOOKED_UP)) {
      await db.schema
        .createIndex(`${table}_of`)
        .on(table)
        .columns(['application_id', ...columns])
        .execute()
    }
  },
}

/** What is asked for beside the id. */
const LOOKED_UP: Readonly<Record<string, readonly string[]>> = {
  identity_partners: ['type', 'state'],
  identity_authorities: ['domain'],
  identity_partner_certificates: ['partner_id', 'state'],
  identity_subscriptions: ['partner_id', 'policy_id', 'state'],
  identity_api_keys: ['partner_id'],
  identity_licences: ['partner_id'],
}

/** Partners of the identity system, their certificates and policies. */
export const identityPartnersSchema: FeatureSchema = {
  migrations: { '0011-identity-partners': createPartners },
  tables: [
    recordTable('identity_policy_groups'),
    recordTable('identity_policies'),
    recordTable('identity_policy_versions'),
    recordTable('identity_partners'),
    recordTable('identity_authorities'),
    recordTable('identity_partner_certificates'),
    recordTable('identity_subscriptions'),
    recordTable('identity_api_keys'),
    recordTable('identity_licences'),
  ],
}
