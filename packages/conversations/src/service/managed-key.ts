import { overwrite, randomId } from '@keyhaven/crypto'
import { CONVERSATION_KEY_BYTES } from '../key/algorithm.ts'
import type { ConversationState } from '../membership/conversation-state.ts'
import { ID_BYTES } from '../membership/limits.ts'
import { Undo } from './batch.ts'
import type { ConversationTransaction } from './ports.ts'
import type { ServiceContext } from './service-context.ts'
import type { StoredKey } from './stored-rows.ts'

/** The server makes a key for the present membership, and it is the current one from now on. */
export async function makeManagedKey(
  { backend, vault }: Pick<ServiceContext, 'backend' | 'vault'>,
  tx: ConversationTransaction,
  state: Pick<ConversationState, 'application' | 'conversation' | 'algorithm' | 'sequence' | 'head'>,
): Promise<StoredKey> {
  const { application, conversation } = state
  const id = randomId(backend, ID_BYTES)
  const secret = backend.randomBytes(CONVERSATION_KEY_BYTES)
  const key: StoredKey = {
    id,
    conversation,
    ordinal: await tx.nextOrdinal(application, conversation),
    mode: 'managed',
    algorithm: state.algorithm,
    membership: { sequence: state.sequence, head: state.head },
    createdAt: tx.now,
    createdBy: null,
    announcement: null,
    commitment: null,
    recipients: 0,
    complete: false,
    supersededAt: null,
    erasedAt: null,
  }
  try {
    const wrapped = await vault.wrap({ application, conversation, key: id }, secret)
    if (!(await tx.insertKey(application, key, wrapped)))
      throw new Undo(new TypeError('a key id was drawn twice'))
  } finally {
    overwrite(secret)
  }
  await tx.makeCurrent(application, key)
  return { ...key, complete: true }
}
