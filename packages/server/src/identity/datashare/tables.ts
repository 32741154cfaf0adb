import type { Share } from '@keyhaven/identity/service'
import type { RowOf } from '../partners/row-of.ts'

/** When a caller began to read a share: parts that it asks for soon after are the same read. */
export interface IdentityShareReadsTable {
  application_id: string
  share_id: string
  actor: string
  /** Milliseconds since the epoch. */
  began_at: number
}

/** Nonces of signed reads. */
export interface IdentityShareNoncesTable {
  application_id: string
  partner_id: string
  nonce: string
  /** Milliseconds since the epoch: proofs of it count no more. */
  until: number
}

export interface IdentityShareTables {
  identity_shares: RowOf<Share>
  identity_share_reads: IdentityShareReadsTable
  identity_share_nonces: IdentityShareNoncesTable
}
