import {
  AUTH_CREDENTIAL,
  type CredentialOrder,
  type CredentialService,
  type IdType,
  type PartnerStore,
} from '@keyhaven/identity/service'
import type { StateTransaction } from '../../platform/state/state.ts'

/** Partners that get a credential of everybody, with MOSIP's name of its type. */
const CREDENTIAL_TYPES: Readonly<Record<string, string>> = {
  Online_Verification_Partner: AUTH_CREDENTIAL,
  Print_Partner: 'print',
  Credential_Partner: 'credential',
}

export interface OrderedPerson {
  /** What names the orders: the same again orders nothing. */
  readonly reason: string
  readonly id: string
  readonly idType: IdType
  /** Only for IDAs: printers and residents do not learn of VIDs. */
  readonly verifiersOnly?: boolean
  /** Milliseconds; null: never. */
  readonly expiresAt?: number | null
  /** Authentications at each IDA; null: no limit. */
  readonly transactionLimit?: number | null
  /** Tries what failed once more. */
  readonly again?: boolean
}

/** Orders a person's credentials: for each partner that every person's data goes to, under each approved policy. */
export function createCredentialOrders(
  partners: Pick<PartnerStore<StateTransaction>, 'reads'>,
  credentials: Pick<CredentialService<StateTransaction>, 'request'>,
): (person: OrderedPerson) => Promise<void> {
  const { reads } = partners
  return async (person) => {
    const { reason, id, idType, verifiersOnly = false, expiresAt, transactionLimit, again = false } = person
    for (const partner of await reads.partners.list({ state: 'active' })) {
      const credentialType = CREDENTIAL_TYPES[partner.type]
      if (credentialType === undefined || (verifiersOnly && credentialType !== AUTH_CREDENTIAL)) continue
      const subscriptions = await reads.subscriptions.list({ partnerId: partner.id, state: 'approved' })
      for (const { policyId } of subscriptions) {
        const order: CredentialOrder = {
          requestId: `${reason}-${partner.id}-${policyId}`,
          ...{ id, idType, partner: partner.id, policyId, credentialType },
          ...(expiresAt != null && { expiresAt }),
          ...(transactionLimit != null && { transactionLimit }),
        }
        await credentials.request(order, undefined, { again })
      }
    }
  }
}
