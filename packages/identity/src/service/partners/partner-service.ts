import type { CryptoBackend } from '@keyhaven/crypto'
import type { PartnerType } from '../../partners/partner-types.ts'
import type { Profile } from '../../profile.ts'
import type { PartnerCaller } from './caller.ts'
import type { PartnerAnnouncer } from './partner-announcer.ts'
import type { ApiKey, Licence, Partner, Subscription } from './partner-records.ts'
import type { PartnerStore } from './ports.ts'

export interface PartnerToRegister {
  readonly id: string
  readonly type: PartnerType
  readonly organisation: string
  /** Needed by types that need a policy. */
  readonly groupId?: string
  readonly profile?: Profile
  readonly email?: string
  readonly contactNumber?: string
  readonly address?: string
}

/** A secret that is shown once: only its hash is kept. */
export interface IssuedKey<T> {
  readonly key: string
  readonly record: T
}

/**
 * Partners and what they may have. People of a partner's organisation see and change only its partners; what
 * a partner manager decides is `ACCESS_DENIED` to them. Every change is in the audit log, and every IDA hears
 * of it.
 */
export interface PartnerService {
  /** @throws KeyhavenError `CONFLICT` (id taken), `INPUT_INVALID`, `ACCESS_DENIED` (another organisation). */
  register(partner: PartnerToRegister, caller: PartnerCaller): Promise<Partner>
  /** By a manager. An inactive partner gets nothing, from its next request on. */
  setActive(id: string, active: boolean, reason: string, caller: PartnerCaller): Promise<Partner>
  /** @param url - https; empty: no events. @param secret - wrapped by whoever calls; null: without HMAC. */
  setWebhook(
    id: string,
    webhook: { readonly url: string; readonly secret: Uint8Array | null },
    caller: PartnerCaller,
  ): Promise<Partner>
  /**
   * Profile `keyhaven`: the key that data is sealed to, signed by the key of the partner's certificate.
   *
   * @param statement - JWS that `signEncryptionKey` made.
   */
  setEncryptionKey(id: string, statement: string, caller: PartnerCaller): Promise<Partner>
  /** @throws KeyhavenError `CONFLICT` if there is one that is not decided or not ended. */
  requestPolicy(
    request: { readonly partnerId: string; readonly policyId: string; readonly purpose: string },
    caller: PartnerCaller,
  ): Promise<Subscription>
  /** By a manager. Approval needs a certificate that is valid now. */
  decideSubscription(
    id: string,
    decision: { readonly approve: boolean; readonly reason: string },
    caller: PartnerCaller,
  ): Promise<Subscription>
  endSubscription(id: string, reason: string, caller: PartnerCaller): Promise<Subscription>
  /**
   * @throws KeyhavenError `POLICY_REFUSED` without an approved subscription; `CONFLICT` if the label is taken, or
   *   the partner has as many as may be.
   */
  issueApiKey(
    key: {
      readonly partnerId: string
      readonly policyId: string
      readonly label: string
      readonly days?: number
    },
    caller: PartnerCaller,
  ): Promise<IssuedKey<ApiKey>>
  revokeApiKey(id: string, reason: string, caller: PartnerCaller): Promise<ApiKey>
  /** By a manager, to a MISP. */
  issueLicence(
    licence: { readonly partnerId: string; readonly days?: number },
    caller: PartnerCaller,
  ): Promise<IssuedKey<Licence>>
  revokeLicence(id: string, reason: string, caller: PartnerCaller): Promise<Licence>
}

export interface PartnerServiceParts {
  readonly backend: CryptoBackend
  readonly store: PartnerStore
  readonly announcer: PartnerAnnouncer
  /** Of partners that name none. */
  readonly profile: Profile
  readonly randomUuid: () => string
  /** @throws KeyhavenError `INPUT_INVALID` for an address that events never go to. */
  readonly checkWebhook: (url: string) => void
  /** Sends what was kept while the partner had no webhook. @param outer - the server's transaction. */
  readonly resumeEvents: (outer: unknown, partnerId: string) => Promise<void>
  /** A partner has become active, or has a policy more. @param outer - the server's transaction. */
  readonly mayHaveMore: (outer: unknown, partner: Partner, actor: string) => Promise<void>
}
