import type { PartnerDomain, PartnerType } from '../../partners/partner-types.ts'
import type { PolicyType } from '../../policy/policy-document.ts'
import type { Profile } from '../../profile.ts'

// What is kept of partners, policies and what binds them. All times: milliseconds since the epoch; ids are
// unique in the application.

export interface PolicyGroup {
  readonly id: string
  readonly name: string
  readonly description: string
  readonly active: boolean
  readonly createdAt: number
}

/** A policy: what is published now, and what is being written. */
export interface Policy {
  readonly id: string
  readonly groupId: string
  readonly name: string
  readonly description: string
  readonly type: PolicyType
  /** Of what is published; 0 before the first time. */
  readonly version: number
  /** JSON as MOSIP writes it; empty before it is published. */
  readonly body: string
  /** JSON of the next version; empty if there is none. */
  readonly draft: string
  readonly state: 'draft' | 'active' | 'inactive'
  readonly publishedAt: number | null
  /** Null: it does not end by itself. */
  readonly validUntil: number | null
  readonly createdAt: number
  readonly changedAt: number
  readonly changedBy: string
}

/** A version as it was published; kept for ever. */
export interface PolicyVersion {
  /** `POLICY/VERSION`. */
  readonly id: string
  readonly policyId: string
  readonly version: number
  readonly body: string
  readonly publishedAt: number
  readonly publishedBy: string
}

export interface Partner {
  readonly id: string
  readonly type: PartnerType
  /** As its certificate's subject names it (O=). */
  readonly organisation: string
  /** Policy group; empty where the type needs no policy. */
  readonly groupId: string
  readonly profile: Profile
  readonly email: string
  readonly contactNumber: string
  readonly address: string
  readonly state: 'requested' | 'active' | 'inactive'
  /** Where its events go; empty: nowhere. */
  readonly webhookUrl: string
  /** Secret of the webhook's HMAC, wrapped; undefined: the events carry the signature only. */
  readonly webhookSecret: Uint8Array | null
  /** Profile `keyhaven`: HPKE public key (x-wing) that its certificate's key signed; null: none yet. */
  readonly encryptionKey: Uint8Array | null
  readonly createdAt: number
  readonly createdBy: string
  readonly changedAt: number
}

/** A certificate authority of partners, or one below it (K13). */
export interface Authority {
  /** SHA-256 of the certificate, hex. */
  readonly id: string
  readonly domain: PartnerDomain
  /** DER. */
  readonly certificate: Uint8Array
  readonly subject: string
  /** Whether it signed itself: where chains end. */
  readonly root: boolean
  readonly notBefore: number
  readonly notAfter: number
  readonly state: 'active' | 'revoked'
  readonly uploadedAt: number
  readonly uploadedBy: string
}

/** A partner's certificate (K14). One of a partner's is `active`. */
export interface PartnerCertificate {
  /** SHA-256 of the certificate, hex. */
  readonly id: string
  readonly partnerId: string
  /** DER. */
  readonly certificate: Uint8Array
  /** Ids of the authorities above it, JSON list, nearest first. */
  readonly chain: string
  /** When the last of the chain begins and the first of it ends. */
  readonly validFrom: number
  readonly validUntil: number
  readonly state: 'active' | 'replaced' | 'revoked'
  readonly uploadedAt: number
  readonly uploadedBy: string
}

/** That a partner may get data, or ask questions, under a policy. */
export interface Subscription {
  readonly id: string
  readonly partnerId: string
  readonly policyId: string
  /** What the partner wants it for. */
  readonly purpose: string
  readonly state: 'requested' | 'approved' | 'refused' | 'ended'
  /** Why it was decided so. */
  readonly reason: string
  readonly requestedAt: number
  readonly requestedBy: string
  readonly decidedAt: number | null
  readonly decidedBy: string
}

/** An API key of a partner for a policy: only its hash is kept. */
export interface ApiKey {
  readonly id: string
  readonly partnerId: string
  readonly policyId: string
  readonly label: string
  /** SHA-256, 32 bytes. */
  readonly keyHash: Uint8Array
  readonly state: 'active' | 'revoked'
  readonly createdAt: number
  readonly expiresAt: number
  readonly createdBy: string
}

/** A licence key of a MISP: only its hash is kept. */
export interface Licence {
  readonly id: string
  readonly partnerId: string
  readonly keyHash: Uint8Array
  readonly state: 'active' | 'revoked'
  readonly createdAt: number
  readonly expiresAt: number
  readonly createdBy: string
}
