import { backend } from '@keyhaven/crypto'
import {
  createEventDeliverer,
  DELIVERY_MAX_WAIT_MS,
  EVENT_KEPT_DAYS,
  type EventDeliverer,
  type EventDelivererParts,
  type WebhookSender,
} from '@keyhaven/identity/service'
import type { JobRunner } from '../../platform/jobs/job.ts'
import type { Jobs } from '../../platform/jobs/jobs.ts'
import type { StateTransaction } from '../../platform/state/state.ts'
import type { PartnerServices } from '../partners/partner-services.ts'
import { EVENT_QUEUE, IDA_EVENT_QUEUE } from './event-store.ts'

const MS_PER_DAY = 86_400_000
/** Partners at once: each waits for a webhook most of the time. */
export const PARTNERS_AT_ONCE = 16

export function createDeliverer(
  services: PartnerServices,
  sender: WebhookSender,
  renew?: EventDelivererParts<StateTransaction>['renew'],
): EventDeliverer<StateTransaction> {
  return createEventDeliverer({
    ...(renew && { renew }),
    ...{ backend, sender, store: services.eventStore, signer: services.signer },
    partner: (id) => services.store.reads.partners.get(id),
    openSecret: (partner, sealed) => services.openSecret(partner.id, sealed),
  })
}

export interface DeliveryOptions {
  readonly jobs: Pick<Jobs, 'createJobRunner'>
  readonly applicationId: string
  readonly onError: (error: unknown) => void
  /** First wait after a failure, in milliseconds. @defaultValue of the jobs */
  readonly backoff?: number
}

/** Delivers events of one application until it is stopped. */
export function runDeliveries(
  deliverer: EventDeliverer<StateTransaction>,
  { jobs, applicationId, onError, backoff }: DeliveryOptions,
): JobRunner {
  const run = (queue: string) =>
    jobs.createJobRunner({
      // Each event says itself when it is dead: a job that was would leave those that wait to nobody.
      ...{ queue, onError, attempts: Number.POSITIVE_INFINITY, maxBackoff: DELIVERY_MAX_WAIT_MS },
      ...{ concurrency: PARTNERS_AT_ONCE, ...(backoff === undefined ? {} : { backoff }) },
      async handler(job) {
        const { partner } = job.payload
        if (job.applicationId !== applicationId || typeof partner !== 'string') return
        await deliverer.deliver(partner, (transaction) => job.hold(transaction))
      },
    })
  const runners = [IDA_EVENT_QUEUE, EVENT_QUEUE].map(run)
  return {
    async stop() {
      await Promise.all(runners.map((runner) => runner.stop()))
    },
  }
}

/** Erases events that nobody needs any more. */
export function pruneEvents({ eventStore }: Pick<PartnerServices, 'eventStore'>): Promise<number> {
  return eventStore.transaction((transaction, now) =>
    eventStore.prune(transaction, now - EVENT_KEPT_DAYS * MS_PER_DAY),
  )
}
