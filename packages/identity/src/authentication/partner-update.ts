import type { PartnerDomain, PartnerType } from '../partners/partner-types.ts'
import type { AuthPolicy, MispPolicy } from '../policy/policy-document.ts'
import type { Profile } from '../profile.ts'

/** Topics behind `IDA PARTNER/` by which an IDA learns of partners and of the authorities above them. */
export const PARTNER_UPDATED = 'PARTNER_UPDATED'
export const CA_CERTIFICATE_UPLOADED = 'CA_CERTIFICATE_UPLOADED'

/**
 * `event.data` of {@link PARTNER_UPDATED}: all that an IDA needs of one partner, each time whole, so that a
 * lost or repeated event does no harm. Published whenever partner, certificate, subscription, policy, API key
 * or licence changes. No secret: keys are hashes.
 */
export interface PartnerUpdate {
  /** Rises with each event of the application: an IDA drops what is not newer than what it has. */
  readonly sequence: number
  readonly partner: {
    readonly id: string
    readonly type: PartnerType
    readonly organisation: string
    readonly profile: Profile
    readonly active: boolean
  }
  /** Null: none, or it was revoked. */
  readonly certificate: {
    /** DER, base64url. */
    readonly der: string
    /** Those above it, nearest first, without the root; DER, base64url. */
    readonly chain: readonly string[]
  } | null
  /** HPKE public key (x-wing) of profile `keyhaven`, base64url; null: none. */
  readonly encryptionKey: string | null
  /** The policies that the partner may use now: approved, published and active. */
  readonly policies: readonly PolicyUpdate[]
  readonly apiKeys: readonly {
    /** SHA-256 of the key, hex. */
    readonly hash: string
    readonly policyId: string
    readonly active: boolean
    /** Milliseconds since the epoch. */
    readonly expiresAt: number
  }[]
  /** Of a MISP. */
  readonly licences: readonly {
    readonly hash: string
    readonly active: boolean
    readonly expiresAt: number
  }[]
}

export type PolicyUpdate = {
  readonly id: string
  readonly version: number
  /** Null: it does not end by itself. */
  readonly validUntil: number | null
} & (
  | { readonly type: 'Auth'; readonly body: AuthPolicy }
  | { readonly type: 'MISP'; readonly body: MispPolicy }
)

/** `event.data` of {@link CA_CERTIFICATE_UPLOADED}: all authorities, each time whole. */
export interface AuthoritiesUpdate {
  readonly sequence: number
  readonly authorities: readonly {
    readonly domain: PartnerDomain
    /** DER, base64url. */
    readonly der: string
    readonly active: boolean
  }[]
  /** Certificates of partners that were revoked: SHA-256, hex. */
  readonly revoked: readonly string[]
}
