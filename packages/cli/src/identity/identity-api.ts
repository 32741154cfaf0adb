// What the admin API answers about partners, policies, shares and events, as far as the commands show it.
// Times are ISO 8601.

export interface Partner {
  readonly id: string
  readonly type: string
  readonly organisation: string
  readonly groupId: string
  readonly profile: string
  readonly state: string
  readonly webhookUrl: string
}

export interface PartnerCertificate {
  readonly id: string
  readonly validUntil: string
  readonly state: string
}

export interface Authority {
  readonly id: string
  readonly domain: string
  readonly subject: string
  readonly state: string
  readonly notAfter: string
}

export interface Subscription {
  readonly id: string
  readonly partnerId: string
  readonly policyId: string
  readonly state: string
  readonly purpose: string
  readonly reason: string
}

export interface PartnerKey {
  readonly id: string
  readonly policyId?: string
  readonly label?: string
  readonly state: string
  readonly expiresAt: string
  /** Only when it is made. */
  readonly key?: string
}

export interface PartnerDetails extends Partner {
  readonly certificates: readonly PartnerCertificate[]
  readonly subscriptions: readonly Subscription[]
  readonly apiKeys: readonly PartnerKey[]
  readonly licences: readonly PartnerKey[]
}

export interface Policy {
  readonly id: string
  readonly groupId: string
  readonly type: string
  readonly version: number
  readonly state: string
  readonly validUntil: string | null
}

export interface PolicyDetails extends Policy {
  readonly body: string
  readonly draft: string
}

export interface Share {
  readonly id: string
  readonly subscriberId: string
  readonly policyId: string
  readonly state: string
  readonly allowed: number
  readonly remaining: number
  readonly expiresAt: string
}

export interface PartnerEvent {
  readonly id: string
  readonly sequence: number
  readonly partnerId: string
  readonly topic: string
  readonly state: string
  readonly attempts: number
  readonly failure: string
}

/** A path below an application's identity system in the admin API. */
export function identityPath(applicationId: string, ...parts: readonly string[]): string {
  return ['/applications', applicationId, 'identity', ...parts]
    .map((part, index) => (index === 0 ? part : encodeURIComponent(part)))
    .join('/')
}
