import { KeyhavenError, overwrite, toBase64url } from '@keyhaven/crypto'
import type { KeyObject } from '../key/key-object.ts'
import type { Commitment } from '../receipt/commitment.ts'
import type { Granted, Pending, ReleaseJob } from './batch.ts'
import type { RefusedKey } from './conversation-service.ts'
import { AccessRefused } from './refusals.ts'
import { type ServiceContext, secondsOf } from './service-context.ts'

/** What was granted and is committed, with the key itself. @throws what it was refused with. */
export async function releasedKey(
  context: Pick<ServiceContext, 'vault'>,
  { outcome }: ReleaseJob,
): Promise<KeyObject> {
  if (outcome === undefined) throw new TypeError('the batch is not finished')
  if ('error' in outcome) throw outcome.error
  const { facts, pending, question } = outcome
  const { key, recipient, share } = facts
  const common = {
    id: key.id,
    conversation: key.conversation,
    algorithm: key.algorithm,
    membership: key.membership,
    createdAt: secondsOf(key.createdAt),
    createdBy: key.createdBy ?? ('server' as const),
    receipt: committed(pending),
  }
  if (key.mode === 'managed') {
    return { ...common, mode: 'managed', key: await unwrapped(context, outcome, question.application) }
  }
  const sealed = { ...common, mode: 'sealed' as const, announcement: key.announcement! }
  // Whoever asked for a share could not open what the maker wrapped.
  if (share !== null) return { ...sealed, wrapped: share.wrapped, share: share.share }
  const { wrapped, position, proof } = recipient!
  return { ...sealed, wrapped, proof: { index: position!, proof: proof! } }
}

async function unwrapped(
  { vault }: Pick<ServiceContext, 'vault'>,
  { facts: { key, secret } }: Pick<Granted, 'facts'>,
  application: string,
): Promise<string> {
  if (secret === null) throw new TypeError('a managed key without its secret')
  const bytes = await vault.unwrap({ application, conversation: key.conversation, key: key.id }, secret)
  try {
    return toBase64url(bytes)
  } finally {
    overwrite(bytes)
  }
}

export function committed({ commitment }: Pending): Commitment {
  if (commitment === undefined) throw new TypeError('the batch is not finished')
  return commitment
}

/** @throws what is no refusal. */
export function refusedKey(id: string, error: unknown): RefusedKey {
  if (!(error instanceof KeyhavenError) || error.code === 'STORE_UNAVAILABLE') throw error
  if (!(error instanceof AccessRefused)) return { id, code: error.code }
  return { id, code: error.code, permission: error.permission, reason: error.reason }
}
