import { segment } from './call-admin.ts'
import { useIdentityChange, useIdentityPages, useIdentityRecord } from './identity-base.ts'

export const PARTNER_TYPES = [
  'ABIS_Partner',
  'Auth_Partner',
  'Credential_Partner',
  'Device_Provider',
  'FTM_Provider',
  'MISP_Partner',
  'Manual_Adjudication',
  'Online_Verification_Partner',
  'Print_Partner',
] as const
export type PartnerType = (typeof PARTNER_TYPES)[number]
export type PartnerState = 'requested' | 'active' | 'inactive'

/** Times are ISO 8601. */
export interface Partner {
  readonly id: string
  readonly type: PartnerType
  readonly organisation: string
  /** Policy group; empty where the type needs none. */
  readonly groupId: string
  readonly profile: string
  readonly state: PartnerState
  /** Empty: its events go nowhere. */
  readonly webhookUrl: string
  readonly createdAt: string
  readonly createdBy: string
  readonly changedAt: string
}

export interface PartnerCertificate {
  /** SHA-256, hex. */
  readonly id: string
  readonly validFrom: string
  readonly validUntil: string
  readonly state: 'active' | 'replaced' | 'revoked'
  readonly uploadedAt: string
  readonly uploadedBy: string
}

export interface Subscription {
  readonly id: string
  readonly partnerId: string
  readonly policyId: string
  readonly purpose: string
  readonly state: 'requested' | 'approved' | 'refused' | 'ended'
  /** Why it was decided so. */
  readonly reason: string
  readonly requestedAt: string
  readonly requestedBy: string
  readonly decidedAt: string | null
  readonly decidedBy: string
}

export interface ApiKey {
  readonly id: string
  readonly partnerId: string
  readonly policyId: string
  readonly label: string
  readonly state: 'active' | 'revoked'
  readonly createdAt: string
  readonly expiresAt: string
  readonly createdBy: string
}

/** The only answer that carries the key itself. */
export interface IssuedApiKey extends ApiKey {
  readonly key: string
}

export interface PartnerDetails extends Partner {
  readonly email: string
  readonly contactNumber: string
  readonly address: string
  readonly certificates: readonly PartnerCertificate[]
  readonly subscriptions: readonly Subscription[]
  readonly apiKeys: readonly ApiKey[]
}

export interface PartnerFilter {
  /** Empty: any. */
  readonly state: PartnerState | ''
  readonly type: PartnerType | ''
}

export function usePartners(applicationId: string, { state, type }: PartnerFilter) {
  return useIdentityPages<Partner>(applicationId, '/partners', { state, type })
}

export function usePartner(applicationId: string, id: string) {
  return useIdentityRecord<PartnerDetails>(applicationId, `/partners/${segment(id)}`)
}

/** What partners asked for and nobody has decided. */
export function useWaitingSubscriptions(applicationId: string) {
  return useIdentityPages<Subscription>(applicationId, '/subscriptions', { state: 'requested' })
}

/** An inactive partner gets nothing, from its next request on. */
export function useSetPartnerActive(applicationId: string, id: string) {
  return useIdentityChange<{ readonly active: boolean; readonly reason: string }, Partner>(
    applicationId,
    (body) => ({ path: `/partners/${segment(id)}/state`, body }),
  )
}

export function useDecideSubscription(applicationId: string) {
  return useIdentityChange<
    { readonly id: string; readonly approve: boolean; readonly reason: string },
    Subscription
  >(applicationId, ({ id, approve, reason }) => ({
    path: `/subscriptions/${segment(id)}/decide`,
    body: { approve, reason },
  }))
}

export function useIssueApiKey(applicationId: string, partnerId: string) {
  return useIdentityChange<
    { readonly policyId: string; readonly label: string; readonly days?: number },
    IssuedApiKey
  >(applicationId, (body) => ({ path: `/partners/${segment(partnerId)}/api-keys`, body }))
}

export function useRevokeApiKey(applicationId: string) {
  return useIdentityChange<{ readonly id: string; readonly reason: string }, ApiKey>(
    applicationId,
    ({ id, reason }) => ({ path: `/api-keys/${segment(id)}/revoke`, body: { reason } }),
  )
}
