import { segment } from './call-admin.ts'
import { useIdentityChange, useIdentityPages, useIdentityRecord } from './identity-base.ts'

export const POLICY_TYPES = ['DataShare', 'Auth', 'MISP'] as const
export type PolicyType = (typeof POLICY_TYPES)[number]

/** Times are ISO 8601. */
export interface Policy {
  readonly id: string
  readonly groupId: string
  readonly name: string
  readonly description: string
  readonly type: PolicyType
  /** Of what is published; 0 before the first time. */
  readonly version: number
  readonly state: 'draft' | 'active' | 'inactive'
  readonly publishedAt: string | null
  readonly validUntil: string | null
  readonly changedAt: string
  readonly changedBy: string
}

export interface PolicyDetails extends Policy {
  /** MOSIP's JSON as it is published; empty before it is. */
  readonly body: string
  /** The next version; empty if there is none. */
  readonly draft: string
}

export interface PolicyGroup {
  readonly id: string
  readonly name: string
  readonly active: boolean
}

export interface NewPolicy {
  readonly id: string
  readonly groupId: string
  readonly name: string
  readonly description: string
  readonly type: PolicyType
  readonly document: Readonly<Record<string, unknown>>
}

export function usePolicies(applicationId: string) {
  return useIdentityPages<Policy>(applicationId, '/policies')
}

export function usePolicy(applicationId: string, id: string) {
  return useIdentityRecord<PolicyDetails>(applicationId, `/policies/${segment(id)}`)
}

export function usePolicyGroups(applicationId: string) {
  return useIdentityPages<PolicyGroup>(applicationId, '/policy-groups')
}

export function useDefinePolicy(applicationId: string) {
  return useIdentityChange<NewPolicy, Policy>(applicationId, (body) => ({ path: '/policies', body }))
}

/** The next version, as a draft; what is published stays. */
export function useRevisePolicy(applicationId: string, id: string) {
  return useIdentityChange<Readonly<Record<string, unknown>>, Policy>(applicationId, (document) => ({
    path: `/policies/${segment(id)}/draft`,
    body: { document },
  }))
}

/** The draft counts from now on. */
export function usePublishPolicy(applicationId: string, id: string) {
  return useIdentityChange<{ readonly validUntil: string | null }, Policy>(applicationId, (body) => ({
    path: `/policies/${segment(id)}/publish`,
    body,
  }))
}

export function useSetPolicyActive(applicationId: string, id: string) {
  return useIdentityChange<{ readonly active: boolean }, Policy>(applicationId, (body) => ({
    path: `/policies/${segment(id)}/state`,
    body,
  }))
}

export function useInstallDefaultPolicies(applicationId: string) {
  return useIdentityChange<void, { readonly added: readonly string[] }>(applicationId, () => ({
    path: '/policies/defaults',
    body: {},
  }))
}
