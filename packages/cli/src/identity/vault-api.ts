// What the admin API answers about the vault, as far as the commands show it. Times are ISO 8601.

export const VAULT_PATH = '/identity/vault'

export interface VaultRecipient {
  readonly partner: string
  readonly thumbprint: string
  readonly subject: string
  readonly notAfter: string
}

export interface Reencryption {
  readonly done: number
  readonly left: number
}

/** Credentials of everybody for an IDA that came later. */
export interface Backfill {
  readonly partner: string
  readonly policyId: string
  readonly state: 'running' | 'done' | 'stopped'
  readonly people: number
  readonly total: number
  readonly issued: number
  readonly waiting: number
  readonly failed: number
}

export interface VaultStatus {
  readonly role: 'main' | 'ida'
  readonly profile: string
  readonly generations: ReadonlyArray<{
    readonly generation: number
    readonly keys: number
    readonly createdAt: string
  }>
  readonly openConflicts: number
  /** Role `main`. */
  readonly credentials?: Reencryption
  readonly recipients?: readonly VaultRecipient[]
  readonly backfills?: readonly Backfill[]
  /** Role `ida`. */
  readonly records?: number
  readonly recordsOfOldGenerations?: number
}

export interface PoolConflict {
  readonly id: string
  readonly kind: string
  readonly index: number
  readonly source: string
  readonly seenAt: string
  readonly closedAt: string | null
  readonly closedBy: string | null
}
