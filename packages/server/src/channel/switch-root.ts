import { KeyhavenError } from '@keyhaven/crypto'
import type { Actor } from '@keyhaven/keys'
import type { State } from '../platform/state/state.ts'
import { readLiveRoots, rootThumbprint } from './root-keys.ts'
import type { Trust } from './trust.ts'
import { readTrust, signOnlineDelegation } from './trust.ts'

export interface RootSwitch {
  readonly reason: string
  /** The root that the caller wants to leave: a call that is sent twice must not use up the new spare. */
  readonly rootThumbprint?: string | undefined
}

/**
 * Makes the spare root key the root: the root is revoked and its private part erased, a new epoch under the
 * spare's delegation overrides what the root signed for the epochs before, and a new spare is made. Clients
 * that ship both thumbprints notice nothing.
 *
 * @throws KeyhavenError `NOT_FOUND`, `CONFLICT` (the roots are offline, another root than the one named, no
 *   spare).
 */
export function switchRoot(
  state: State,
  applicationId: string,
  input: RootSwitch,
  actor: Actor,
): Promise<Trust> {
  return state.transaction(async (transaction) => {
    // Locks the manifest's row before anything is read, so that of two switches the second sees what the
    // first did.
    const { epoch } = await state.manifests.raiseEpoch(applicationId, transaction)
    const trust = await readTrust(state, applicationId, transaction)
    const [from] = trust.rootThumbprints
    if (trust.mode === 'offline') throw offline(applicationId, epoch)
    if (input.rootThumbprint !== undefined && input.rootThumbprint !== from) {
      throw new KeyhavenError(
        'CONFLICT',
        `rootThumbprint: the root is ${from} by now; somebody has switched already`,
      )
    }
    const { reason } = input
    const by = { actor, reason, transaction }
    const roots = await readLiveRoots(state, applicationId, transaction)
    const spare = roots.find(({ thumbprint }) => thumbprint !== from)
    if (!spare) throw new KeyhavenError('CONFLICT', 'there is no spare root key to switch to: it is revoked')
    for (const { thumbprint, key } of roots) {
      if (thumbprint === from) await state.keys.revokeSigningKey(applicationId, key.id, reason, by)
    }
    await state.keys.activateSigningKey(applicationId, spare.key.id, by)
    const added = { applicationId, purpose: 'root-signing', spare: true } as const
    const rootThumbprints = [
      spare.thumbprint,
      await rootThumbprint(await state.keys.addSigningKey(added, by)),
    ]
    await transaction.db
      .updateTable('applications')
      .set({ root_thumbprints: JSON.stringify(rootThumbprints) })
      .where('id', '=', applicationId)
      .execute()
    const { delegation, expiresAt } = await signOnlineDelegation(state, transaction, applicationId, epoch)
    await transaction.db
      .updateTable('manifest_publications')
      .set({
        delegation,
        delegation_epoch: epoch,
        delegation_expires_at: expiresAt,
        manifest_content: '',
      })
      .where('application_id', '=', applicationId)
      .execute()
    transaction.changed(applicationId)
    state.audit.append(transaction, {
      actor,
      action: 'root.switch',
      applicationId,
      subject: spare.thumbprint,
      detail: { reason, epoch, from: from ?? null, spare: rootThumbprints[1] ?? null },
    })
    return readTrust(state, applicationId, transaction)
  })
}

function offline(applicationId: string, epoch: number): KeyhavenError {
  return new KeyhavenError(
    'CONFLICT',
    `the root keys of this application are not on the server: sign a delegation for epoch ${epoch} with ` +
      'the file of the spare root (keyhaven trust delegate --root SPARE-FILE --application ' +
      `${applicationId} --epoch ${epoch} --manifest-key …) and install it (keyhaven trust install ` +
      `${applicationId} FILE)`,
  )
}
