// What the admin API of an IDA answers, as far as the commands show it. Times are ISO 8601.

export const AUTH_PATH = '/identity/authentication'

export interface AuthStatus {
  readonly partnerId: string
  readonly profile: string
  readonly matcher: string
  readonly channels: readonly string[]
  readonly issuer: { readonly thumbprint: string; readonly subject: string; readonly notAfter: string } | null
  readonly partners: number
  readonly windowMinutes: number
}

export interface AuthAnswer {
  readonly id: string
  readonly at: string
  readonly caller: string
  readonly kind: string
  readonly result: string
  readonly types: readonly string[]
  readonly errors: readonly string[]
  readonly token: string | null
}

export interface AuthLimit {
  readonly subject: string
  readonly failures: number
  readonly limit: number
  readonly until: string
  readonly locked: boolean
}

export interface KnownPartner {
  readonly id: string
  readonly type: string
  readonly organisation: string
  readonly active: boolean
  readonly certificate: string | null
  readonly policies: readonly string[]
  readonly apiKeys: number
}

export interface IdaPartnerKey {
  readonly partnerId: string
  /** PEM. */
  readonly certificate: string
  readonly chain: string
  /** Compact JWS. */
  readonly encryptionKey: string
}
