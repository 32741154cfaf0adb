import { KeyhavenError } from '@keyhaven/crypto'
import { checkSignature } from '../chain/chain-jws.ts'
import { type DecodedEntry, decodeEntry } from '../chain/entry.ts'
import type { UserState } from '../chain/user-state.ts'
import { checkTurn, judge, write } from './accept-entry.ts'
import type { Accepted, Caller } from './directory-service.ts'
import type { DirectoryTransaction } from './ports.ts'
import { actorOf, nowSeconds, type ServiceContext, takeTurn, validCaller } from './service-context.ts'

/** `DirectoryService.append`: revocation, objection, recovery. */
export async function appendEntry<Tx extends DirectoryTransaction>(
  context: ServiceContext<Tx>,
  input: { readonly entry: string },
  caller: Caller | undefined,
  origin: string,
): Promise<{ readonly accepted: Accepted; readonly after: UserState }> {
  await (caller ? takeTurn(context, 'append', caller.device) : takeTurn(context, 'recovery', origin))
  const decoded = decodeEntry(input.entry)
  const { kind, username } = decoded.entry
  if (kind === 'device' || kind === 'reset')
    throw new KeyhavenError('INPUT_INVALID', 'only revocations, objections and recovery keys are appended')
  if (caller && caller.username !== username)
    throw new KeyhavenError('ACCESS_DENIED', "the entry is for another user than the caller's")
  const now = nowSeconds(context)
  const actor = caller ? actorOf(caller) : `recovery:${username}`
  const submission = { text: input.entry, decoded, now, actor }
  return await context.store.transaction(async (tx) => {
    const user = await tx.lockUser(username)
    const state = await context.states.load(tx, username, user, now)
    if (caller) validCaller(state, caller)
    else await requireRecoveryKey(context, state, decoded)
    const standing = { user, state }
    checkTurn(standing, decoded)
    const after = await judge(context, standing, submission)
    const signer = after.history.at(-1)!.signer
    const bySender = signer.kind === 'device' && signer.device === caller?.device
    if (!bySender && signer.kind !== 'recovery')
      throw new KeyhavenError('ACCESS_DENIED', 'the entry is not signed by the device that sent it')
    return { accepted: await write(context, tx, standing, after, submission), after }
  })
}

/**
 * Before anything else is said: an unsigned request shows itself by the recovery key's signature, or learns
 * nothing, not even whether the user exists.
 */
async function requireRecoveryKey<Tx extends DirectoryTransaction>(
  { backend }: ServiceContext<Tx>,
  state: UserState,
  { kid, jws }: DecodedEntry,
): Promise<void> {
  const { recovery } = state
  try {
    if (recovery?.signingThumbprint === kid)
      return await checkSignature(backend, { algorithm: 'EdDSA', jwk: recovery.signingKey }, jws)
  } catch (error) {
    if (!(error instanceof KeyhavenError)) throw error
  }
  throw new KeyhavenError('ACCESS_DENIED', 'the entry is not signed by the recovery key')
}
