import { KeyhavenError } from '@keyhaven/crypto'
import { AUDIT_GENESIS_HASH } from '../audit/audit-hash.ts'
import type { Db } from '../database/schema.ts'
import type { StateHeadTable } from '../database/tables.ts'
import type { Anchor, AnchorHead } from './anchor.ts'
import { anchoredLogs, compareLogs } from './check-logs.ts'

const WHAT_TO_DO =
  'Revocations may have been undone. Stop every process and run `keyhaven recover`, which revokes them again.'

const MISSING =
  'the rollback anchor is missing, so it cannot be told whether the database is the latest. On a new ' +
  'machine, copy anchor.db together with the master key'

/**
 * Compares the database with the anchor, and starts an anchor beside a database that has no history yet.
 *
 * @throws KeyhavenError `STATE_ROLLED_BACK` if the database is behind the anchor, differs from it, or has
 *   history while the anchor is missing.
 */
export async function checkAnchor(db: Db, anchor: Anchor): Promise<void> {
  // The anchor first: other processes commit, then advance it, so what is read later is never behind it.
  const anchored = anchor.head()
  const logs = anchoredLogs(anchor)
  const head = await readStateHead(db)
  if (anchored === undefined) {
    // Another process may just have started this installation.
    if (anchor.head() !== undefined) return checkAnchor(db, anchor)
    if (head.audit_sequence > 0 || head.version > 0) throw rolledBack(MISSING)
    // Before anything is committed: a crash then leaves an anchor that is behind, never a missing one.
    anchor.advance(head.installation, {
      version: 0,
      auditHead: { sequence: 0, hash: AUDIT_GENESIS_HASH },
      revoked: [],
      manifests: [],
    })
    return
  }
  const difference = (await compareWithAnchor(db, head, anchored)) ?? (await compareLogs(db, logs))
  if (difference !== undefined) throw rolledBack(difference)
}

/** @returns in words how the database is behind the anchor; undefined if it is not. */
export async function compareWithAnchor(
  db: Db,
  head: StateHeadTable,
  anchored: AnchorHead,
): Promise<string | undefined> {
  const { sequence, hash } = anchored.auditHead
  if (head.installation !== anchored.installation) return 'the database belongs to another installation'
  if (head.audit_sequence < sequence) {
    return `the database ends at audit entry ${head.audit_sequence}, but ${sequence} entries were made`
  }
  if (sequence > 0) {
    const entry = await db
      .selectFrom('audit_entries')
      .select('hash')
      .where('sequence', '=', sequence)
      .executeTakeFirst()
    if (entry === undefined || !Buffer.from(hash).equals(entry.hash)) {
      return `audit entry ${sequence} is not the one that was made`
    }
  }
  if (head.version < anchored.version)
    return `the database is at change ${head.version} of ${anchored.version}`
  return undefined
}

export async function readStateHead(db: Db): Promise<StateHeadTable> {
  return db.selectFrom('state_head').selectAll().where('id', '=', 1).executeTakeFirstOrThrow()
}

function rolledBack(difference: string): KeyhavenError {
  return new KeyhavenError('STATE_ROLLED_BACK', `The database was rolled back: ${difference}. ${WHAT_TO_DO}`)
}
