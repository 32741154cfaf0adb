import { KeyhavenError } from '@keyhaven/crypto'
import type { AuditHead } from '../anchor/anchor.ts'
import type { DbTransaction } from '../database/schema.ts'
import { auditHash, canonicalDetail } from './audit-hash.ts'
import type { AuditRecord } from './audit-log.ts'

const MAX_DETAIL_CHARACTERS = 16_384
const MAX_FIELD_CHARACTERS = 512
/** Rows in one insert, far below the parameter limits of both engines. */
const ROWS_PER_INSERT = 500

/**
 * Writes the records behind the chain's end. The caller holds the lock on `state_head`.
 *
 * @param at - milliseconds since the epoch, not before the last entry's.
 * @param sequence - of the first record; only a recovery leaves a gap.
 * @returns the new end.
 */
export async function appendEntries(
  db: DbTransaction,
  head: AuditHead,
  records: readonly AuditRecord[],
  at: number,
  sequence: number = head.sequence + 1,
): Promise<AuditHead> {
  let { hash } = head
  let next = sequence
  const rows = records.map((record) => {
    const fields = {
      sequence: next++,
      at,
      actor: checkField('actor', record.actor),
      action: checkField('action', record.action),
      application_id: checkField('applicationId', record.applicationId ?? ''),
      subject: checkField('subject', record.subject ?? ''),
      detail: canonicalDetail(record.detail ?? {}),
    }
    if (fields.detail.length > MAX_DETAIL_CHARACTERS) {
      throw new KeyhavenError(
        'INPUT_INVALID',
        `an audit detail has at most ${MAX_DETAIL_CHARACTERS} characters`,
      )
    }
    hash = auditHash(hash, fields)
    return { ...fields, hash }
  })
  for (let from = 0; from < rows.length; from += ROWS_PER_INSERT) {
    await db
      .insertInto('audit_entries')
      .values(rows.slice(from, from + ROWS_PER_INSERT))
      .execute()
  }
  return { sequence: next - 1, hash }
}

function checkField(name: string, value: string): string {
  if (value.length > MAX_FIELD_CHARACTERS || value.includes('\0')) {
    throw new KeyhavenError(
      'INPUT_INVALID',
      `${name} has at most ${MAX_FIELD_CHARACTERS} characters and no NUL`,
    )
  }
  return value
}
