import type {
  Authority,
  IdentityAuditEntry,
  PartnerReads,
  PartnerStore,
  PartnerTransaction,
  PolicyGroup,
} from '@keyhaven/identity/service'
import { sql } from 'kysely'
import type { AuditDetail } from '../../platform/audit/audit-log.ts'
import type { Db, DbTransaction } from '../../platform/database/schema.ts'
import type { State, StateTransaction } from '../../platform/state/state.ts'
import { createRecords, type Flags } from './record-rows.ts'

type Tables = { readonly [Name in keyof PartnerReads]: PartnerTransaction[Name] }

export function createPartnerStore(state: State, applicationId: string): PartnerStore<StateTransaction> {
  return {
    reads: partnerTables(state.db, applicationId),
    transaction: (work) =>
      state.transaction(async (transaction) => {
        if (state.dialect === 'postgres') {
          const name = `identity-partners:${applicationId}`
          await sql`select pg_advisory_xact_lock(hashtextextended(${name}, 0))`.execute(transaction.db)
        }
        return work(partnerTransaction(state, transaction, applicationId))
      }),
  }
}

/** What a transaction of the server sees and changes of partners. */
export function partnerTransaction(
  state: Pick<State, 'audit'>,
  transaction: StateTransaction,
  applicationId: string,
): PartnerTransaction<StateTransaction> {
  return {
    ...partnerTables(transaction.db, applicationId),
    now: transaction.now,
    outer: transaction,
    audit: (entry) => appendAudit(state, transaction, applicationId, entry),
  }
}

export function appendAudit(
  state: Pick<State, 'audit'>,
  transaction: StateTransaction,
  applicationId: string,
  { actor, action, subject, detail = {} }: IdentityAuditEntry,
): void {
  state.audit.append(transaction, { actor, action, applicationId, subject, detail: detail as AuditDetail })
}

function partnerTables(db: Db | DbTransaction, applicationId: string): Tables {
  const records = <Name extends keyof Tables>(table: string, flags: readonly string[] = []): Tables[Name] =>
    createRecords(db, applicationId, table, flags as Flags<{ id: string }>) as unknown as Tables[Name]
  const groupFlags: Flags<PolicyGroup> = ['active']
  const authorityFlags: Flags<Authority> = ['root']
  return {
    groups: records<'groups'>('identity_policy_groups', groupFlags),
    policies: records<'policies'>('identity_policies'),
    policyVersions: records<'policyVersions'>('identity_policy_versions'),
    partners: records<'partners'>('identity_partners'),
    authorities: records<'authorities'>('identity_authorities', authorityFlags),
    certificates: records<'certificates'>('identity_partner_certificates'),
    subscriptions: records<'subscriptions'>('identity_subscriptions'),
    apiKeys: records<'apiKeys'>('identity_api_keys'),
    licences: records<'licences'>('identity_licences'),
  }
}
