import type { Actor } from '@keyhaven/keys'

export type AuditDetail = Readonly<Record<string, AuditValue>>
export type AuditValue =
  | string
  | number
  | boolean
  | null
  | readonly AuditValue[]
  | { readonly [name: string]: AuditValue }

/** What a caller writes. No plaintext, no key, no token. */
export interface AuditRecord {
  readonly actor: Actor
  readonly action: string
  readonly applicationId?: string
  /** What it was done to: a key's UUID, a token's id. */
  readonly subject?: string
  readonly detail?: AuditDetail
}
