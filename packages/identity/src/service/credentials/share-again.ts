import { KeyhavenError } from '@keyhaven/crypto'
import { encodeCredentialEvent } from '../../vault/credential-event.ts'
import type { CredentialOrder, CredentialService } from './credential-service.ts'
import { makeCredential } from './make-credential.ts'
import type { CredentialServiceOptions, StoredCredential } from './ports.ts'

/** @param openOrder - opens what was ordered. */
export function createShareAgain<Tx>(
  options: CredentialServiceOptions<Tx>,
  openOrder: (stored: StoredCredential) => Promise<CredentialOrder>,
  actor: string,
): CredentialService<Tx>['shareAgain'] {
  const { store } = options
  return async (told, tell) => {
    const stored = await store.find(told.transactionId)
    if (stored?.eventId !== told.id) {
      throw new KeyhavenError('NOT_FOUND', 'this credential has been issued once more since')
    }
    const order = await openOrder(stored)
    // Of the time of the first one: what was told since, of a block or an end, stays newer.
    const made = await makeCredential(options, order, actor, Date.parse(told.timestamp))
    const event = encodeCredentialEvent(made.event)
    await store.sharedAgain(told, { ...made.result, eventId: event.id }, (tx) => tell(tx, event))
  }
}
