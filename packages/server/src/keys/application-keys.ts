import type { ManagedE2eKey, ManagedKey } from '@keyhaven/keys'
import { sql } from 'kysely'
import type { Db } from '../platform/database/schema.ts'
import { fromKeyRow } from './key-rows.ts'

/** What a request can meet in one application. */
export interface ApplicationKeys {
  /** Newest first. */
  readonly live: readonly ManagedE2eKey[]
  /** Key ids that a revoked key had. */
  readonly revokedKeyIds: ReadonlySet<number>
}

/** However many keys an application had, this reads at most 32 rows and 256 numbers. */
export async function loadApplicationKeys(db: Db, applicationId: string): Promise<ApplicationKeys> {
  const rows = await db
    .selectFrom('managed_keys')
    .selectAll()
    .where('application_id', '=', applicationId)
    .where('purpose', '=', 'e2e')
    .where('state', '!=', sql.lit('revoked'))
    .orderBy('ordinal', 'desc')
    .execute()
  const revoked = await db
    .selectFrom('managed_keys')
    .select('key_id')
    .distinct()
    .where('application_id', '=', applicationId)
    .where('purpose', '=', 'e2e')
    .where('state', '=', sql.lit('revoked'))
    .execute()
  return {
    live: rows.map(fromKeyRow).filter((key: ManagedKey): key is ManagedE2eKey => key.purpose === 'e2e'),
    revokedKeyIds: new Set(revoked.map((row) => row.key_id ?? 0)),
  }
}
