// What the admin API answers, as far as the commands show it. Times are ISO 8601.

export type KeyState = 'pending' | 'active' | 'retiring' | 'revoked'

export interface Application {
  readonly id: string
  readonly name: string
  readonly createdAt: string
  readonly isDefault: boolean
  readonly trust: {
    readonly mode: 'online' | 'offline'
    readonly rootThumbprints: readonly string[]
    readonly epoch: number
    readonly sequence: number
    readonly delegationExpiresAt: string | null
  }
  readonly keyCounts: Readonly<Record<KeyState, number>>
}

export interface E2eKey {
  readonly id: string
  /** The number that envelopes carry, 0 to 255. */
  readonly keyId: number
  readonly applicationId: string
  readonly suite: { readonly kem: string; readonly aead: string }
  readonly suiteName: string
  readonly state: KeyState
  /** base64url */
  readonly publicKey: string
  readonly jwk: Readonly<Record<string, unknown>>
  /** base64url of an `application/ohttp-keys` entry (RFC 9458 §3.1). */
  readonly keyConfig: string
  readonly thumbprint: string
  readonly createdAt: string
  readonly activateAt: string | null
  readonly activatedAt: string | null
  readonly retiringAt: string | null
  readonly endAt: string | null
  readonly revokedAt: string | null
  readonly lastUsedAt: string | null
  readonly history: ReadonlyArray<{
    readonly state: KeyState
    readonly at: string
    readonly actor: string
    readonly reason: string | null
  }>
}

export interface VersionShare {
  readonly appVersion: string
  readonly installations: number
}

export interface KeyUsage {
  readonly id: string
  readonly keyId: number
  readonly state: KeyState
  readonly requests: number
  /** 0 to 1 */
  readonly requestShare: number
  readonly installations: number
  /** 0 to 1 */
  readonly installationShare: number
  readonly lastUsedAt: string | null
  readonly byAppVersion: ReadonlyArray<VersionShare & { readonly requests: number }>
  readonly verdict: {
    readonly safe: boolean
    /** How many installations would break. */
    readonly installations: number
    readonly byAppVersion: readonly VersionShare[]
    readonly text: string
  }
}

export interface Usage {
  readonly from: string
  readonly to: string
  readonly requests: number
  readonly installations: number
  /** At most so many called and are not among them: too many new ones came within an hour. */
  readonly installationsLeftOut: number
  readonly keys: readonly KeyUsage[]
}

export interface TrustStatus {
  readonly mode: 'online' | 'offline'
  readonly rootThumbprints: readonly string[]
  readonly epoch: number
  readonly sequence?: number
  readonly manifestKey: Readonly<Record<string, unknown>>
  readonly delegationExpiresAt: string | null
}

export interface SwitchedRoot extends TrustStatus {
  /** What the operator has to do next. */
  readonly text: string
}

export interface AuditEntry {
  readonly sequence: number
  readonly at: string
  readonly actor: string
  readonly action: string
  readonly applicationId: string | null
  readonly subject: string | null
  readonly detail: unknown
  readonly hash: string
}

export interface AuditVerification {
  readonly valid: boolean
  readonly entries: number
  readonly head: { readonly sequence: number; readonly hash: string }
  readonly brokenAt?: number
  readonly reason?: string
}

export interface ApiToken {
  readonly id: string
  readonly name: string
  readonly roles: readonly string[]
  readonly createdAt: string
  readonly expiresAt: string | null
  readonly lastUsedAt: string | null
  /** Only in the answer to its creation. */
  readonly token?: string
}

export interface ServerStatus {
  readonly version: string
  readonly startedAt: string
  readonly node: string
  readonly database: string
  readonly replay: string
  readonly workers: number
  readonly oidc: boolean
  /** Where apps send their sealed calls. */
  readonly publicUrl: string
}

export interface Page<Item> {
  readonly items: readonly Item[]
  readonly nextCursor: string | null
}
