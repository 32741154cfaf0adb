import { fromUtf8, KeyhavenError, openFailed, overwrite, utf8 } from '@keyhaven/crypto'
import { openHybrid, sealLayoutC } from '../../mosip/hybrid.ts'
import { CREDENTIAL_EVENT_TYPE, encodeCredentialEvent } from '../../vault/credential-event.ts'
import type { CredentialOrder, CredentialService, IssuedCredential } from './credential-service.ts'
import { makeCredential } from './make-credential.ts'
import type { CredentialServiceOptions, NewCredential, StoredCredential } from './ports.ts'
import { createShareAgain } from './share-again.ts'

const CREDENTIAL_ACTOR = 'system'
const MAX_ID_CHARACTERS = 128
const MAX_REQUEST_CHARACTERS = 128
/** What trying again does not mend: an operator or partner manager has to. */
const FINAL: readonly string[] = [
  'POLICY_REFUSED',
  'CERTIFICATE_INVALID',
  'NOT_FOUND',
  'ACCESS_DENIED',
  'INPUT_INVALID',
]

/** Credentials of one application: ordered, issued once, told to the partner. */
export function createCredentialService<Tx>(options: CredentialServiceOptions<Tx>): CredentialService<Tx> {
  const { backend, store, vault, newId, clock } = options

  const sealOrder = async (order: CredentialOrder): Promise<Uint8Array> => {
    const plaintext = utf8(JSON.stringify(order))
    try {
      return await sealLayoutC(backend, await options.orderRecipient(), plaintext)
    } finally {
      overwrite(plaintext)
    }
  }
  const prepare = async (order: CredentialOrder): Promise<NewCredential> => {
    requireOrder(order)
    const { requestId, partner, policyId, credentialType } = order
    return { requestId, partner, policyId, credentialType, sealedOrder: await sealOrder(order) }
  }
  const openOrder = async ({ requestId, sealedOrder }: StoredCredential): Promise<CredentialOrder> => {
    const bytes = await openHybrid(backend, options.orderOpener, sealedOrder)
    try {
      const order = JSON.parse(fromUtf8(bytes)) as CredentialOrder
      // Another row's: it would be issued, and this one never.
      if (order.requestId !== requestId) throw openFailed()
      return order
    } finally {
      overwrite(bytes)
    }
  }

  const newest = async () => {
    const [{ generation = 0 } = {}] = (await vault.status()).generations
    return { generation, oprfKey: await vault.oprfKey() }
  }

  const make = async (stored: StoredCredential): Promise<IssuedCredential> => {
    const order = await openOrder(stored)
    const made = await makeCredential(options, order, CREDENTIAL_ACTOR)
    const now = await store.issued(order.requestId, made.result, {
      partnerId: order.partner,
      topic: 'CREDENTIAL_ISSUED',
      event: encodeCredentialEvent(made.event),
    })
    return toIssued(now, now.credentialId === made.result.credentialId)
  }

  return {
    async request(order, transaction, options) {
      await store.insert(await prepare(order), transaction, options?.again)
    },

    async requestAll(orders, { again }) {
      const prepared: NewCredential[] = []
      for (const order of orders) prepared.push(await prepare(order))
      await store.insertAll(prepared, again)
    },

    async status(requestId) {
      const found = await store.find(requestId)
      if (found === undefined) return undefined
      const { sealedOrder: _, eventId: __, generation: ___, oprfKey: ____, ...status } = found
      return status
    },

    async issue(requestId) {
      const stored = await store.find(requestId)
      if (stored === undefined) throw new KeyhavenError('NOT_FOUND', 'there is no such credential request')
      if (stored.state === 'ISSUED') return toIssued(stored, false)
      try {
        return await make(stored)
      } catch (error) {
        const code = error instanceof KeyhavenError ? error.code : 'INTERNAL'
        const said = error instanceof KeyhavenError ? `${code}: ${error.message}` : code
        await store.failed(requestId, said, FINAL.includes(code))
        throw error
      }
    },

    shareAgain: createShareAgain(options, openOrder, CREDENTIAL_ACTOR),

    async announce({ topic, id, partner, requestId }, transaction) {
      const timestamp = new Date(clock()).toISOString()
      for (const identifier of await vault.identifiers(id, requestId)) {
        const event = encodeCredentialEvent({
          ...{ id: newId(), transactionId: requestId, timestamp, identifier },
          ...{ type: CREDENTIAL_EVENT_TYPE, token: await options.token(id, partner) },
          ...{ expiresAt: null, transactionLimit: null, credentialType: '', protectionKey: '' },
        })
        await store.publish({ partnerId: partner, topic, event }, transaction)
      }
    },

    reencrypt: async (limit) => store.renew(await newest(), limit),
    reencryption: async () => store.renewal(await newest()),
  }
}

function toIssued(
  { credentialId, eventId, dataShareUri }: StoredCredential,
  fresh: boolean,
): IssuedCredential {
  if (credentialId === null || eventId === null || dataShareUri === null) {
    throw new KeyhavenError('STORE_UNAVAILABLE', 'an issued credential is not whole')
  }
  return { credentialId, eventId, dataShareUri, fresh }
}

function requireOrder({ requestId, id, partner, policyId, credentialType }: CredentialOrder): void {
  const texts = [requestId, partner, policyId, credentialType]
  if (id !== '' && id.length <= MAX_ID_CHARACTERS && texts.every(isName)) return
  throw new KeyhavenError('INPUT_INVALID', 'requestId, id, partner, policyId and credentialType are needed')
}

function isName(text: string): boolean {
  return text.length > 0 && text.length <= MAX_REQUEST_CHARACTERS
}
