import { randomUUID } from 'node:crypto'
import { backend, KeyhavenError, toHex, utf8 } from '@keyhaven/crypto'
import {
  type IdentityKeys,
  type JwsSigner,
  KERNEL_SIGN,
  keyName,
  openHybrid,
  type Profile,
  sealLayoutB,
} from '@keyhaven/identity'
import {
  type CertificateService,
  createCertificateService,
  createEventPublisher,
  createPartnerAnnouncer,
  createPartnerDecisions,
  createPartnerService,
  createPolicyService,
  type EventPublisher,
  type EventStore,
  type PartnerDecisions,
  type PartnerService,
  type PartnerStore,
  type PolicyService,
} from '@keyhaven/identity/service'
import type { Jobs } from '../../platform/jobs/jobs.ts'
import type { State, StateTransaction } from '../../platform/state/state.ts'
import { planBackfill } from '../backfill/plan-backfill.ts'
import { createEventStore } from '../events/event-store.ts'
import { checkWebhookUrl } from '../events/webhook-sender.ts'
import { createPartnerStore } from './partner-store.ts'

/** What a webhook's secret is sealed to: K7.5. */
const SECRET_KEY = keyName('ID_REPO', 'credential_request')

export interface PartnerServiceOptions {
  readonly state: State
  readonly applicationId: string
  /** Of partners that name none. */
  readonly profile: Profile
  readonly keys: IdentityKeys
  readonly jobs: Pick<Jobs, 'enqueue' | 'hurry'>
  /** Whether webhooks may be http, or in private networks. */
  readonly webhooksPrivate: boolean
  /** Whether a policy may allow any number of reads. */
  readonly unlimitedReads: boolean
  readonly clock: () => number
}

/** Partners, policies and events of one application. */
export interface PartnerServices {
  readonly store: PartnerStore<StateTransaction>
  readonly partners: PartnerService
  readonly certificates: CertificateService
  readonly policies: PolicyService
  readonly decisions: PartnerDecisions
  readonly events: EventPublisher<StateTransaction>
  readonly eventStore: EventStore<StateTransaction>
  /** KERNEL/SIGN, for what is given to partners. */
  readonly signer: () => Promise<JwsSigner>
  /** Seals the secret of a partner's webhook for the database. */
  sealSecret(partnerId: string, secret: string): Promise<Uint8Array>
  openSecret(partnerId: string, sealed: Uint8Array): Promise<Uint8Array>
}

export function createPartnerServices(options: PartnerServiceOptions): PartnerServices {
  const { state, applicationId, keys, clock, webhooksPrivate } = options
  const limits = { unlimitedReads: options.unlimitedReads }
  const store = createPartnerStore(state, applicationId)
  const eventStore = createEventStore(state, applicationId, options.jobs)
  const events = createEventPublisher(eventStore, randomUUID)
  const announcer = createPartnerAnnouncer(events, randomUUID)
  const planIda = planBackfill(options.jobs, applicationId)
  return {
    ...{ store, events, eventStore },
    partners: createPartnerService({
      ...{ backend, store, announcer, profile: options.profile, randomUuid: randomUUID },
      checkWebhook: (url) => void checkWebhookUrl(url, webhooksPrivate),
      mayHaveMore: async (tx, { id, type }, actor) => {
        if (type === 'Online_Verification_Partner') await planIda(tx as StateTransaction, id, actor)
      },
      resumeEvents: (tx, partnerId) => events.resume(tx as StateTransaction, partnerId),
    }),
    certificates: createCertificateService(store, announcer),
    policies: createPolicyService({ store, limits, announcer }),
    decisions: createPartnerDecisions(store, clock),
    signer: () => signerOf(keys),
    sealSecret: async (partnerId, secret) =>
      sealLayoutB(backend, await keys.recipient(SECRET_KEY), utf8(secret), secretContext(partnerId)),
    openSecret: (partnerId, sealed) =>
      openHybrid(backend, keys.opener(SECRET_KEY), sealed, { aad: secretContext(partnerId) }),
  }
}

/** Moved to another partner's row it does not open. */
function secretContext(partnerId: string): Uint8Array {
  return utf8(`keyhaven webhook secret ${partnerId}`)
}

async function signerOf(keys: IdentityKeys): Promise<JwsSigner> {
  const [certificate, ...chain] = await keys.chain(KERNEL_SIGN)
  if (certificate === undefined) throw new TypeError('a key without a certificate')
  return {
    ...{ certificate, chain },
    async sign(data) {
      const made = await keys.sign(KERNEL_SIGN, data)
      if (toHex(made.certificate.thumbprint) === toHex(certificate.thumbprint)) return made.signature
      throw new KeyhavenError('STORE_UNAVAILABLE', 'the signing key was renewed just now: try again')
    },
  }
}
