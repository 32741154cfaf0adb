import { KeyhavenError } from '@keyhaven/crypto'
import type { ReadRule } from '../membership/read-permission.ts'
import type { Batch, ReleaseJob } from './batch.ts'
import { actorOf, requireLive } from './callers.ts'
import type { ConversationTransaction } from './ports.ts'
import { AccessRefused, unknownHere } from './refusals.ts'
import { secondsOf } from './service-context.ts'
import { requireReadable } from './stays.ts'
import type { ReleaseFacts } from './stored-rows.ts'

/**
 * Answers all questions of a batch: what decides is read inside the transaction, by one query for all.
 * Whoever gets a key leaves a receipt and an audit entry.
 */
export async function releaseAll(tx: ConversationTransaction, batch: Batch): Promise<void> {
  const jobs = batch.releases
  if (jobs.length === 0) return
  const found = await tx.releaseFacts(jobs.map(({ question }) => question))
  for (const [at, job] of jobs.entries()) {
    try {
      grant(tx, batch, job, found[at])
    } catch (error) {
      if (!(error instanceof KeyhavenError)) throw error
      job.outcome = { error }
      if (error instanceof AccessRefused) auditRefusal(tx, job, error)
    }
  }
}

function grant(
  tx: ConversationTransaction,
  batch: Batch,
  job: ReleaseJob,
  facts: ReleaseFacts | undefined,
): void {
  const { question } = job
  const { application } = question
  const now = secondsOf(tx.now)
  if (facts === undefined || facts.stays.length === 0) throw unknownHere()
  const rule = allowedBy(facts, job, now)
  const { key } = facts
  batch.addReceipt(
    {
      application,
      conversation: key.conversation,
      kind: 'key',
      object: key.id,
      to: { username: question.username, device: question.device },
      rule,
      at: now,
    },
    (receipt, pending) => {
      job.outcome = { question, facts, receipt, pending }
    },
  )
  tx.audit({
    application,
    actor: actorOf(question),
    action: 'conversation.release',
    subject: key.id,
    detail: { conversation: key.conversation, rule },
  })
}

/** @throws KeyhavenError what the device is refused with. */
function allowedBy(facts: ReleaseFacts, { question, made }: ReleaseJob, now: number): ReadRule | 'made' {
  const { key } = facts
  const device = requireLive(question, facts.device, now)
  const madeAt = secondsOf(key.createdAt)
  const { sequence } = key.membership
  const rule = requireReadable(facts.stays, device, { membership: sequence, madeAt, mode: key.mode })
  if (key.erasedAt !== null) throw new AccessRefused('conversation:read', 'erased')
  // Before all recipients are there, nobody can prove to be one.
  if (key.mode === 'sealed' && !facts.recipient?.proof && facts.share === null) {
    throw new KeyhavenError('KEY_PENDING', 'no device has shared this key with yours yet: ask for it')
  }
  return made === undefined ? rule : 'made'
}

function auditRefusal(tx: ConversationTransaction, { question }: ReleaseJob, error: AccessRefused): void {
  tx.audit({
    application: question.application,
    actor: actorOf(question),
    action: 'conversation.refuse',
    subject: question.key,
    detail: { code: error.code, permission: error.permission, reason: error.reason },
  })
}
