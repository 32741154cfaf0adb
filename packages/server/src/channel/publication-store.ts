import type { ManifestKey } from '@keyhaven/channel'
import { MANIFEST_MAX_KEYS } from '@keyhaven/channel'
import type { AeadName, KemName } from '@keyhaven/crypto'
import { KeyhavenError, toBase64url } from '@keyhaven/crypto'
import type { Db, DbTransaction } from '../platform/database/schema.ts'

const MS_PER_SECOND = 1_000

/** What an application has published last. Times are milliseconds. */
export interface Publication {
  readonly trustMode: string
  readonly delegation: string
  readonly delegationEpoch: number
  readonly delegationExpiresAt: number
  readonly manifest: string
  readonly content: string
  readonly issuedAt: number
}

/** @throws KeyhavenError `NOT_FOUND`. */
export async function readPublication(db: Db | DbTransaction, applicationId: string): Promise<Publication> {
  const row = await db
    .selectFrom('applications')
    .innerJoin('manifest_publications', 'application_id', 'id')
    .select('trust_mode')
    .selectAll('manifest_publications')
    .where('id', '=', applicationId)
    .executeTakeFirst()
  if (!row) throw new KeyhavenError('NOT_FOUND', 'there is no such application')
  return {
    trustMode: row.trust_mode,
    delegation: row.delegation,
    delegationEpoch: row.delegation_epoch,
    delegationExpiresAt: row.delegation_expires_at,
    manifest: row.manifest,
    content: row.manifest_content,
    issuedAt: row.manifest_issued_at,
  }
}

/** The keys that a manifest lists: active ones first, each newest first, as a client prefers them. */
export async function readManifestKeys(
  db: Db | DbTransaction,
  applicationId: string,
): Promise<readonly ManifestKey[]> {
  const rows = await db
    .selectFrom('managed_keys')
    .select(['key_id', 'suite', 'state', 'public_key', 'end_at'])
    .where('application_id', '=', applicationId)
    .where('purpose', '=', 'e2e')
    .where('state', 'in', ['active', 'retiring'])
    .orderBy('state') // "active" sorts before "retiring"
    .orderBy('created_at', 'desc')
    .orderBy('ordinal', 'desc')
    .limit(MANIFEST_MAX_KEYS)
    .execute()
  return rows.map((row) => {
    const [kem, aead] = row.suite.split('/')
    const entry = {
      id: row.key_id ?? 0,
      suite: { kem: kem as KemName, aead: aead as AeadName },
      publicKey: toBase64url(row.public_key),
      state: row.state === 'active' ? ('active' as const) : ('retiring' as const),
    }
    return row.end_at === null ? entry : { ...entry, end: Math.floor(row.end_at / MS_PER_SECOND) }
  })
}
