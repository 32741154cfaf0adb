import type { AnchorHead } from '../platform/anchor/anchor.ts'
import type { StateHeadTable } from '../platform/database/tables.ts'

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
