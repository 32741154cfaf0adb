import { KeyhavenError } from '@keyhaven/crypto'
import { signerOf } from '../chain/chain-signer.ts'
import { decodeEntry, type EntryFields, signEntry } from '../chain/entry.ts'
import { isReason } from '../chain/names.ts'
import type { UserState } from '../chain/user-state.ts'
import { judge, write } from './accept-entry.ts'
import type { Accepted } from './directory-service.ts'
import type { Actor, DirectoryAuditEntry, DirectoryTransaction } from './ports.ts'
import { nowSeconds, type ServiceContext } from './service-context.ts'

type Common = Pick<EntryFields, 'application' | 'username' | 'chain' | 'sequence' | 'previous' | 'issued'>

/** `DirectoryService.reset`. */
export function resetUser<Tx extends DirectoryTransaction>(
  context: ServiceContext<Tx>,
  { username, reason }: { readonly username: string; readonly reason: string },
  actor: Actor,
): Promise<{ readonly accepted: Accepted; readonly after: UserState }> {
  checkReason(reason)
  const audit = { action: 'directory.reset', subject: username } as const
  return byAuthority(context, username, { actor, reason, audit }, (common, state) => {
    if (state.history.at(-1)?.kind === 'reset')
      throw new KeyhavenError('CONFLICT', 'the user is reset already: a first device can sign up')
    return { ...common, chain: common.chain + 1, kind: 'reset', reason }
  })
}

/** `DirectoryService.revokeByOperator`. */
export function revokeDevice<Tx extends DirectoryTransaction>(
  context: ServiceContext<Tx>,
  {
    username,
    device,
    reason,
  }: { readonly username: string; readonly device: string; readonly reason: string },
  actor: Actor,
): Promise<{ readonly accepted: Accepted; readonly after: UserState }> {
  checkReason(reason)
  const audit = { action: 'directory.revoke', subject: `${username}/${device}` } as const
  return byAuthority(context, username, { actor, reason, audit }, (common, state) => {
    if (!state.devices.some((candidate) => candidate.device === device))
      throw new KeyhavenError('NOT_FOUND', 'the user has no such device')
    return { ...common, kind: 'revocation', device, reason, effective: common.issued }
  })
}

async function byAuthority<Tx extends DirectoryTransaction>(
  context: ServiceContext<Tx>,
  username: string,
  by: {
    readonly actor: Actor
    readonly reason: string
    readonly audit: Pick<DirectoryAuditEntry, 'action' | 'subject'>
  },
  fieldsFor: (common: Common, state: UserState) => EntryFields,
): Promise<{ readonly accepted: Accepted; readonly after: UserState }> {
  const { backend, authority, application } = context
  const now = nowSeconds(context)
  return await context.store.transaction(async (tx) => {
    const user = await tx.lockUser(username)
    if (!user) throw new KeyhavenError('NOT_FOUND', 'no such user')
    const state = await context.states.load(tx, username, user, now)
    const common = {
      application,
      username,
      chain: state.chain,
      sequence: state.sequence + 1,
      previous: state.head,
      issued: Math.max(now, state.issued),
    }
    const text = await signEntry(backend, signerOf(backend, authority), fieldsFor(common, state))
    const submission = { text, decoded: decodeEntry(text), now, actor: by.actor }
    const standing = { user, state }
    const after = await judge(context, standing, submission)
    const accepted = await write(context, tx, standing, after, submission)
    const detail = { reason: by.reason, sequence: after.sequence }
    await tx.audit({ actor: by.actor, ...by.audit, detail })
    return { accepted, after }
  })
}

function checkReason(reason: string): void {
  if (isReason(reason) && reason.length > 0) return
  throw new KeyhavenError('INPUT_INVALID', 'say why, in one line of at most 500 characters')
}
