import type { AnchorHead } from '../platform/anchor/anchor.ts'
import type { Db } from '../platform/database/schema.ts'
import type { StateHeadTable } from '../platform/database/tables.ts'

/** Of the entry that a restore writes: where the chain of the backup ended. */
const BACKUP_END = 'backupAuditSequence'

/** How the audit chain goes on after entries were lost: no number is given twice, and the gap is named. */
export interface ChainGap {
  readonly nextSequence: number
  readonly detail: Readonly<Record<string, string | number>>
}

export function chainGap(head: StateHeadTable, anchored: AnchorHead | undefined): ChainGap {
  const nextSequence = head.audit_sequence + 1
  if (anchored === undefined || anchored.auditHead.sequence <= head.audit_sequence)
    return { nextSequence, detail: {} }
  const { sequence, hash } = anchored.auditHead
  return {
    nextSequence: sequence + 1,
    detail: { missingFrom: nextSequence, missingTo: sequence, lostHead: Buffer.from(hash).toString('hex') },
  }
}

/** What a restore writes down for {@link countLostEntries}. */
export function backupEnd(sequence: number): Readonly<Record<string, number>> {
  return { [BACKUP_END]: sequence }
}

/**
 * How many audit entries were made, as the anchor knows, that the database does not hold. An entry that a
 * restore wrote can have the number of a lost one, so numbers alone do not tell.
 *
 * @returns undefined if it cannot be known: no anchor, that of another installation, or entries that were
 *   replaced.
 */
export async function countLostEntries(
  db: Db,
  head: StateHeadTable,
  anchored: AnchorHead | undefined,
): Promise<number | undefined> {
  if (anchored === undefined || anchored.installation !== head.installation) return undefined
  const { sequence: made, hash } = anchored.auditHead
  if (made === 0) return 0
  const entries = db.selectFrom('audit_entries')
  const same = await entries.select('hash').where('sequence', '=', made).executeTakeFirst()
  if (same !== undefined && Buffer.from(hash).equals(same.hash)) return 0
  const last = await entries
    .select(['sequence', 'action', 'detail'])
    .where('sequence', '<=', head.audit_sequence)
    .orderBy('sequence', 'desc')
    .executeTakeFirst()
  const kept = last === undefined ? 0 : endBeforeRestore(last)
  return kept < made ? made - kept : undefined
}

function endBeforeRestore(last: { sequence: number; action: string; detail: string }): number {
  if (last.action !== 'state.restore') return last.sequence
  const end = (JSON.parse(last.detail) as Record<string, unknown>)[BACKUP_END]
  return typeof end === 'number' ? end : last.sequence
}
