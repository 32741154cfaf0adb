import type { Db } from '../database/schema.ts'
import type { AuditEntriesTable } from '../database/tables.ts'
import { AUDIT_GENESIS_HASH, auditHash } from './audit-hash.ts'
import type { AuditVerdict, AuditVerifyOptions } from './audit-log.ts'

const BATCH_ENTRIES = 1_000
/** Actions that continue a chain after entries were lost; their detail names the gap. */
const GAP_ACTIONS = new Set(['state.recover', 'state.restore'])

/** Recomputes every hash from the first entry on and compares the end with the database's head. */
export async function verifyAuditLog(db: Db, options: AuditVerifyOptions): Promise<AuditVerdict> {
  const head = await db
    .selectFrom('state_head')
    .select(['audit_sequence', 'audit_hash'])
    .where('id', '=', 1)
    .executeTakeFirstOrThrow()
  const verdict = { entries: 0, head: { sequence: head.audit_sequence, hash: hex(head.audit_hash) } }
  let hash = AUDIT_GENESIS_HASH
  let sequence = 0
  const broken = (brokenAt: number, reason: string): AuditVerdict => ({
    valid: false,
    ...verdict,
    brokenAt,
    reason,
  })
  for (;;) {
    options.signal?.throwIfAborted()
    const rows = await db
      .selectFrom('audit_entries')
      .selectAll()
      .where('sequence', '>', sequence)
      .where('sequence', '<=', head.audit_sequence)
      .orderBy('sequence')
      .limit(BATCH_ENTRIES)
      .execute()
    for (const row of rows) {
      if (row.sequence !== sequence + 1 && !namesGap(row, sequence)) {
        return broken(sequence + 1, `entry ${sequence + 1} is missing`)
      }
      hash = auditHash(hash, row)
      if (!Buffer.from(hash).equals(row.hash))
        return broken(row.sequence, `entry ${row.sequence} was changed`)
      sequence = row.sequence
      verdict.entries++
    }
    options.onProgress?.(sequence, head.audit_sequence)
    if (rows.length < BATCH_ENTRIES) break
  }
  if (sequence !== head.audit_sequence) return broken(sequence + 1, 'the last entries are missing')
  if (hex(hash) !== verdict.head.hash)
    return broken(sequence, 'the last entry is not the one that the head names')
  return { valid: true, ...verdict }
}

function namesGap(row: AuditEntriesTable, last: number): boolean {
  if (!GAP_ACTIONS.has(row.action)) return false
  const { missingFrom, missingTo } = JSON.parse(row.detail) as { missingFrom?: number; missingTo?: number }
  return missingFrom === last + 1 && missingTo === row.sequence - 1
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex')
}
