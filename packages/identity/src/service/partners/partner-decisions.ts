import type { Recipient } from '../../mosip/session-key.ts'
import type { DataSharePolicy } from '../../policy/policy-document.ts'
import type { Partner } from './partner-records.ts'

/** What a partner is to get. What a relying party may ask its IDA decides: `checkCaller`, `checkPolicy`. */
export type PartnerAction = 'share.create' | 'credential.issue'

export interface PartnerQuestion {
  readonly partnerId: string
  readonly policyId: string
  readonly action: PartnerAction
  /** Who asks, for the audit log. */
  readonly actor: string
}

export interface PartnerDecision {
  readonly partner: Partner
  /** As it is published now. */
  readonly policy: { readonly id: string; readonly version: number; readonly body: DataSharePolicy }
  /** Chain, dates, key size, revocation, purpose and organisation were checked now. */
  readonly certificate: Recipient & { readonly der: Uint8Array }
}

/** Whether a partner may have data under a policy, asked before each release. Fails closed. */
export interface PartnerDecisions {
  /**
   * Every refusal is in the audit log (`partner.refuse`) when it is thrown.
   *
   * @throws KeyhavenError `POLICY_REFUSED` (partner, policy or subscription, the message says which),
   *   `CERTIFICATE_INVALID` (chain, dates, size, revoked, purpose, organisation).
   */
  decide(question: PartnerQuestion): Promise<PartnerDecision>
}
