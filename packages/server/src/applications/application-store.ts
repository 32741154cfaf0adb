import type { KeyState } from '@keyhaven/keys'
import { sql } from 'kysely'
import type { Db } from '../platform/database/schema.ts'
import type { Application } from './application.ts'
import { parseSuite } from './application.ts'

const FIRST_EPOCH = 1

export interface ApplicationQuery {
  readonly ids?: readonly string[]
  /** Only ids that sort behind it. */
  readonly after?: string | undefined
  /** A part of id or name, in any case. */
  readonly q?: string | undefined
  readonly limit?: number
}

/** Applications by id; those of the server itself only when they are asked for by id. */
export async function readApplications(db: Db, query: ApplicationQuery): Promise<readonly Application[]> {
  let select = db
    .selectFrom('applications')
    .innerJoin('manifest_publications', 'manifest_publications.application_id', 'applications.id')
    .leftJoin('manifests', 'manifests.application_id', 'applications.id')
    .selectAll('applications')
    .select(['delegation', 'delegation_expires_at', 'epoch', 'sequence'])
    .orderBy('id')
  select = query.ids ? select.where('id', 'in', query.ids) : select.where('is_system', '=', 0)
  if (query.after !== undefined) select = select.where('id', '>', query.after)
  if (query.q !== undefined && query.q !== '') {
    const pattern = `%${query.q.toLowerCase().replace(/[\\%_]/g, '\\$&')}%`
    select = select.where(
      sql<boolean>`(lower(id) like ${pattern} escape '\\' or lower(name) like ${pattern} escape '\\')`,
    )
  }
  if (query.limit !== undefined) select = select.limit(query.limit)
  const rows = await select.execute()
  const counts = await countKeys(
    db,
    rows.map((row) => row.id),
  )
  return rows.map((row) => ({
    id: row.id,
    name: row.name,
    createdAt: row.created_at,
    isDefault: row.is_default === 1,
    defaultSuite: parseSuite(row.default_suite),
    trust: {
      mode: row.trust_mode === 'offline' ? 'offline' : 'online',
      rootThumbprints: JSON.parse(row.root_thumbprints) as string[],
      epoch: row.epoch ?? FIRST_EPOCH,
      sequence: row.sequence ?? 0,
      delegationExpiresAt: row.delegation === '' ? null : row.delegation_expires_at,
    },
    keyCounts: counts.get(row.id) ?? noKeys(),
  }))
}

async function countKeys(
  db: Db,
  applicationIds: readonly string[],
): Promise<Map<string, Record<KeyState, number>>> {
  const counts = new Map<string, Record<KeyState, number>>()
  if (applicationIds.length === 0) return counts
  const rows = await db
    .selectFrom('managed_keys')
    .select(['application_id', 'state', ({ fn }) => fn.countAll<number | string>().as('keys')])
    .where('application_id', 'in', applicationIds)
    .where('purpose', '=', 'e2e')
    .groupBy(['application_id', 'state'])
    .execute()
  for (const row of rows) {
    const of = counts.get(row.application_id) ?? noKeys()
    counts.set(row.application_id, of)
    of[row.state as KeyState] = Number(row.keys)
  }
  return counts
}

function noKeys(): Record<KeyState, number> {
  return { pending: 0, active: 0, retiring: 0, revoked: 0 }
}
