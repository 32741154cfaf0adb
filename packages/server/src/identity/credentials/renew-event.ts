import type { EventModel } from '@keyhaven/identity'
import type { Datashare, EventStore, OutboxEvent } from '@keyhaven/identity/service'
import type { StateTransaction } from '../../platform/state/state.ts'
import type { Credentials } from './create-credentials.ts'

export interface EventRenewalParts {
  readonly datashare: Pick<Datashare, 'isReadable'>
  readonly credentials: () => Pick<Credentials, 'shareAgain'>
  readonly events: Pick<EventStore<StateTransaction>, 'put'>
}

/**
 * Shares end while their partner is away, or are used up by reads that it could not end. An event that names one that
 * has ended gets another, in its old place.
 *
 * @throws KeyhavenError as `CredentialService.shareAgain`.
 */
export function createEventRenewal(parts: EventRenewalParts): (event: OutboxEvent) => Promise<OutboxEvent> {
  return async (outdated) => {
    if (outdated.topic !== 'CREDENTIAL_ISSUED') return outdated
    const model = JSON.parse(outdated.body) as EventModel
    const uri = model.event.dataShareUri
    if (uri === undefined || (await parts.datashare.isReadable(uri))) return outdated
    let renewed = outdated
    const told = { ...model.event, transactionId: model.event.transactionId ?? '' }
    await parts.credentials().shareAgain(told, async (transaction, event) => {
      const body = JSON.stringify({ ...model, event })
      renewed = { ...outdated, body, changedAt: transaction.now }
      await parts.events.put(transaction, renewed)
    })
    return renewed
  }
}
