import { backend, KeyhavenError } from '@keyhaven/crypto'
import { CREDENTIAL_TOPICS, type CredentialTopic, type JwsTrust, openEvent } from '@keyhaven/identity'
import {
  type AuthenticationStore,
  type IdaVault,
  importUpdate,
  type SignedEvent,
} from '@keyhaven/identity/service'
import type { ShareReader } from './read-share.ts'

export interface EventImportParts {
  /** Partner id of this process at the issuer. */
  readonly partnerId: string
  readonly issuer: JwsTrust
  readonly store: Pick<AuthenticationStore, 'savePartner' | 'saveAuthorities'>
  /** Undefined: this process takes no people. */
  readonly people: { readonly vault: IdaVault; readonly shares: ShareReader } | undefined
}

/** What became of an event; each of them is done. */
export type EventResult = 'imported' | 'known' | 'older' | 'ignored'

/**
 * Takes an event that the issuer has signed; once in effect however often it comes.
 *
 * @throws KeyhavenError `SIGNATURE_INVALID`, `CERTIFICATE_INVALID`, `ACCESS_DENIED`, `WIRE_MALFORMED`; what reading and
 *   importing a share throws: then the event has to come again.
 */
export async function importEvent(parts: EventImportParts, signed: SignedEvent): Promise<EventResult> {
  const { partnerId, issuer, store, people } = parts
  const model = await openEvent(backend, { ...signed, partnerId }, issuer)
  const update = await importUpdate(store, model)
  if (update !== undefined) return update
  const topic = model.topic.slice(partnerId.length + 1)
  if (people === undefined || !CREDENTIAL_TOPICS.includes(topic as CredentialTopic)) return 'ignored'
  if (topic !== 'CREDENTIAL_ISSUED') {
    return (await people.vault.applyStatus(signed)) ? 'imported' : 'older'
  }
  const uri = model.event.dataShareUri
  if (uri === undefined) throw new KeyhavenError('WIRE_MALFORMED', 'an event without a share')
  return people.vault.importCredential(signed, await people.shares.fetch(uri))
}
