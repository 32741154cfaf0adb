import type {
  ApiKey,
  Authority,
  Licence,
  Partner,
  PartnerCertificate,
  Policy,
  PolicyGroup,
  PolicyVersion,
  Subscription,
} from '@keyhaven/identity/service'
import type { RowOf } from './row-of.ts'

/** What each column means stands with the record. */
export interface IdentityPartnerTables {
  identity_policy_groups: RowOf<PolicyGroup>
  identity_policies: RowOf<Policy>
  identity_policy_versions: RowOf<PolicyVersion>
  identity_partners: RowOf<Partner>
  identity_authorities: RowOf<Authority>
  identity_partner_certificates: RowOf<PartnerCertificate>
  identity_subscriptions: RowOf<Subscription>
  identity_api_keys: RowOf<ApiKey>
  identity_licences: RowOf<Licence>
}
