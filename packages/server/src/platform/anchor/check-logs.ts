import { createHash } from 'node:crypto'
import type { LogNodes, TreeHasher } from '@keyhaven/directory/log'
import { rootAtSize } from '@keyhaven/directory/log'
import { sql } from 'kysely'
import type { Db, DbTransaction } from '../database/schema.ts'
import type { Anchor, LogPosition } from './anchor.ts'

/** Logs compared by one query. */
const BATCH = 500

const hasher: TreeHasher = { sha256: (data) => new Uint8Array(createHash('sha256').update(data).digest()) }

/** How a log in the database differs from what the anchor knows of it. */
export interface LogDifference {
  readonly anchored: LogPosition
  /** What the database holds; undefined: no such log. */
  readonly found: { readonly size: number; readonly root: Uint8Array } | undefined
}

/**
 * Every log of the anchor that the database does not hold, holds shorter, or holds with other entries.
 *
 * @param positions - read before the database was: other processes commit, then advance the anchor.
 */
export async function findLogDifferences(
  db: Db | DbTransaction,
  positions: readonly LogPosition[],
): Promise<readonly LogDifference[]> {
  const differences: LogDifference[] = []
  for (let from = 0; from < positions.length; from += BATCH) {
    const batch = positions.slice(from, from + BATCH)
    const rows = await db
      .selectFrom('log_heads')
      .select(['application_id', 'size', 'root'])
      .where(
        'application_id',
        'in',
        batch.map((position) => position.applicationId),
      )
      .execute()
    const found = new Map(rows.map((row) => [row.application_id, row]))
    for (const anchored of batch) {
      // Given up by a recovery.
      if (anchored.size === 0) continue
      const row = found.get(anchored.applicationId)
      if (row !== undefined && (await continues(db, row, anchored))) continue
      differences.push({ anchored, found: row && { size: row.size, root: row.root } })
    }
  }
  return differences
}

/** @returns in words how the logs are behind the anchor; undefined if they are not. */
export async function compareLogs(
  db: Db | DbTransaction,
  positions: readonly LogPosition[],
): Promise<string | undefined> {
  const [difference] = await findLogDifferences(db, positions)
  if (difference === undefined) return undefined
  const { anchored, found } = difference
  const log = `the log of application ${anchored.applicationId}`
  return found !== undefined && found.size >= anchored.size
    ? `${log} has other entries than were published`
    : `${log} has ${found?.size ?? 0} of ${anchored.size} entries`
}

/** Read before the database is. */
export function anchoredLogs(anchor: Anchor): readonly LogPosition[] {
  return [...anchor.logs()]
}

async function continues(
  db: Db | DbTransaction,
  found: { readonly application_id: string; readonly size: number; readonly root: Uint8Array },
  anchored: LogPosition,
): Promise<boolean> {
  if (found.size < anchored.size) return false
  if (found.size === anchored.size) return Buffer.from(found.root).equals(anchored.root)
  try {
    const nodes = storedNodes(db, found.application_id)
    return Buffer.from(await rootAtSize(hasher, nodes, anchored.size)).equals(anchored.root)
  } catch (error) {
    if (error instanceof MissingNode) return false
    throw error
  }
}

/** A node that a log of its size must have is not stored. */
export class MissingNode extends Error {}

/** The stored nodes of a log, by one query. */
export function storedNodes(db: Db | DbTransaction, applicationId: string): LogNodes {
  return {
    async read(nodes) {
      if (nodes.length === 0) return []
      const wanted = nodes.map(
        ({ level, index }) => sql`(cast(${level} as bigint), cast(${index} as bigint))`,
      )
      // Point look-ups, in the order of the cross join: with OR or IN, SQLite would read the whole log. Not
      // by the query builder: it takes longer than the database.
      const { rows } = await sql<{ level: number; position: number; hash: Uint8Array }>`
        with wanted(level, position) as (values ${sql.join(wanted)})
        select n.level, n.position, n.hash from wanted w cross join log_nodes n
        where n.application_id = ${applicationId} and n.level = w.level and n.position = w.position
      `.execute(db)
      const found = new Map(rows.map((row) => [`${row.level} ${row.position}`, row.hash]))
      return nodes.map((node) => {
        const hash = found.get(`${node.level} ${node.index}`)
        if (hash === undefined)
          throw new MissingNode(`the log has no node ${node.index} of level ${node.level}`)
        return new Uint8Array(hash.buffer, hash.byteOffset, hash.byteLength)
      })
    },
  }
}
