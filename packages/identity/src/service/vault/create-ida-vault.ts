import { fromUtf8, KeyhavenError } from '@keyhaven/crypto'
import { verifyEvent } from '../../events/event-model.ts'
import type { OprfClient } from '../../oprf/oprf-client.ts'
import {
  CREDENTIAL_TOPICS,
  type CredentialEvent,
  type CredentialTopic,
  decodeCredentialEvent,
} from '../../vault/credential-event.ts'
import { findPerson } from './find-person.ts'
import type { IdaRecordState, IdaVault, SignedEvent } from './ida-vault.ts'
import type { IdaVaultOptions } from './ida-vault-options.ts'
import { importCredential } from './import-credential.ts'
import { createKeyhavenIdaProfile } from './keyhaven-ida-profile.ts'
import { createMosipIdaProfile } from './mosip-ida-profile.ts'
import { createPool } from './pool.ts'
import { createPretence } from './pretend-person.ts'

const STATES: Readonly<Record<Exclude<CredentialTopic, 'CREDENTIAL_ISSUED'>, IdaRecordState>> = {
  ACTIVATE_ID: 'active',
  DEACTIVATE_ID: 'deactivated',
  REMOVE_ID: 'removed',
}

/** The IDA's side of the vault; its profile is the store's. */
export function createIdaVault(options: IdaVaultOptions): IdaVault {
  const { backend, application, store } = options
  const pool = createPool(options)
  const profile =
    store.profile === 'mosip'
      ? createMosipIdaProfile(backend, pool)
      : createKeyhavenIdaProfile(backend, application, pool, requireOprf(options.oprf))

  /** The event, once its signature is verified: over the very bytes, by the issuer. */
  const read = async ({ body, signature }: SignedEvent): Promise<CredentialEvent> => {
    await verifyEvent(backend, { body, signature }, options.issuer)
    return decodeCredentialEvent(parseJson(body))
  }

  const find: IdaVault['find'] = (id, request) => findPerson({ options, pool, profile }, id, request)

  return {
    profile: store.profile,

    async importCredential(signed, share) {
      const event = await read(signed)
      requireTopic(event, options.partner, 'CREDENTIAL_ISSUED')
      return importCredential(options, pool, event, share)
    },

    async applyStatus(signed) {
      const event = await read(signed)
      const topic = requireTopic(event, options.partner)
      if (topic === 'CREDENTIAL_ISSUED') throw new KeyhavenError('WIRE_MALFORMED', 'no event about a status')
      const at = Date.parse(event.timestamp)
      if (Number.isNaN(at)) throw new KeyhavenError('WIRE_MALFORMED', 'event without a time')
      const { idHash, oprfKey = 0 } = event.identifier
      return store.setState(idHash, STATES[topic], at, oprfKey)
    },

    find,
    pretend: createPretence(options, pool, profile),

    async openAttributes(id, names, request) {
      const person = await find(id, request)
      if (person === undefined) throw new KeyhavenError('NOT_FOUND', 'there is no such person')
      try {
        return await person.open(names)
      } finally {
        await person.close()
      }
    },

    async status() {
      const [generations, openConflicts] = await Promise.all([store.generations(), store.openConflicts()])
      const { records, older } = await store.counts(generations[0]?.generation ?? 0)
      return { profile: store.profile, generations, records, recordsOfOldGenerations: older, openConflicts }
    },
    conflicts: (page) => store.conflicts(page),
    closeConflict: (id, actor, reason) => store.closeConflict(id, actor, reason),
  }
}

/** @returns what comes after our partner id. */
function requireTopic(event: CredentialEvent, partner: string, expected?: CredentialTopic): CredentialTopic {
  const topic = CREDENTIAL_TOPICS.find((name) => event.topic === `${partner}/${name}`)
  if (topic !== undefined && (expected === undefined || topic === expected)) return topic
  throw new KeyhavenError('WIRE_MALFORMED', 'the event is not one of ours')
}

function parseJson(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(fromUtf8(bytes))
  } catch (cause) {
    throw new KeyhavenError('WIRE_MALFORMED', 'credential event', { cause })
  }
}

function requireOprf(oprf: OprfClient | undefined): OprfClient {
  if (oprf !== undefined) return oprf
  throw new KeyhavenError('CONFIG_INVALID', 'profile keyhaven needs the oblivious PRF: set KEYHAVEN_OPRF_URL')
}
