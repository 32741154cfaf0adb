import { backend } from '@keyhaven/crypto'
import type { BiometricMatcher, IdentityKeys, Profile } from '@keyhaven/identity'
import {
  createDatashare,
  type Datashare,
  type EventDeliverer,
  type Records,
  type Share,
} from '@keyhaven/identity/service'
import type { Config } from '../../platform/config/config.ts'
import type { Jobs } from '../../platform/jobs/jobs.ts'
import type { ObjectStore } from '../../platform/objects/object-store.ts'
import type { State, StateTransaction } from '../../platform/state/state.ts'
import { createEventRenewal, type EventRenewalParts } from '../credentials/renew-event.ts'
import { DATASHARE_PREFIX } from '../datashare/datashare-routes.ts'
import { createShareStore } from '../datashare/share-store.ts'
import { createDeliverer } from '../events/run-deliveries.ts'
import { createWebhookSender } from '../events/webhook-sender.ts'
import { createPartnerServices, type PartnerServices } from './partner-services.ts'

export interface OpenPartnersOptions {
  readonly state: State
  readonly config: Pick<Config, 'identity'>
  readonly applicationId: string
  readonly profile: Profile
  readonly keys: IdentityKeys
  readonly jobs: Pick<Jobs, 'enqueue' | 'hurry'>
  readonly objects: ObjectStore
  /** Where partners reach the identity listener, without a slash at the end. */
  readonly url: () => string
  readonly clock: () => number
  readonly extract?: BiometricMatcher['extract']
  /** Makes a credential again whose share ended before its partner had it. */
  readonly credentials?: EventRenewalParts['credentials']
}

/** All that one application has of partners, shares and events. */
export interface OpenPartners extends PartnerServices {
  readonly datashare: Datashare
  readonly shares: Records<Share>
  readonly deliverer: EventDeliverer<StateTransaction>
}

export function openPartners(options: OpenPartnersOptions): OpenPartners {
  const { state, applicationId, profile, keys, jobs, objects, clock, extract } = options
  const webhooksPrivate = options.config.identity?.webhooksPrivate ?? false
  const limits = { unlimitedReads: options.config.identity?.unlimitedShares ?? false }
  const services = createPartnerServices({
    ...{ state, applicationId, profile, keys, jobs, clock, webhooksPrivate },
    ...limits,
  })
  const store = createShareStore(state, applicationId, services.store.reads)
  const datashare = createDatashare({
    ...{ backend, applicationId, store, objects, signer: services.signer, limits, clock },
    url: () => options.url() + DATASHARE_PREFIX,
    ...(extract && { extract }),
  })
  const { credentials } = options
  const renew = credentials && createEventRenewal({ datashare, credentials, events: services.eventStore })
  return {
    ...services,
    ...{ shares: store.shares, datashare },
    deliverer: createDeliverer(services, createWebhookSender({ privateNetworks: webhooksPrivate }), renew),
  }
}
