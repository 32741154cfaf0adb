import { randomUUID } from 'node:crypto'
import { KeyhavenError } from '@keyhaven/crypto'
import { type CbeffRecord, encodeCbeff, mosipTime } from '@keyhaven/identity'
import type {
  Abis,
  Datashare,
  EventPublisher,
  PartnerDecisions,
  PartnerStore,
} from '@keyhaven/identity/service'
import type { State, StateTransaction } from '../../platform/state/state.ts'

const ABIS_PARTNER = 'ABIS_Partner'
const ACTOR = 'system'
/** MOSIP's request that gives an ABIS somebody's biometrics to keep. */
const INSERT = 'mosip.abis.insert'
const INSERT_VERSION = '1.1'
/** What the policies of MOSIP call the biometrics of a packet. */
const FIELD = 'individualBiometrics'

export interface AbisShareParts {
  readonly state: State
  readonly partners: Pick<PartnerStore<StateTransaction>, 'reads'>
  readonly decisions: PartnerDecisions
  readonly datashare: Pick<Datashare, 'create' | 'filter'>
  readonly events: Pick<EventPublisher<StateTransaction>, 'publish'>
  readonly clock: () => number
}

/**
 * Gives a person's biometrics to every ABIS that is a partner, before the person is compared: filtered by its
 * policy, encrypted to its certificate, as a share that an event tells of. Partner, policy and certificate are asked
 * about each time; a refusal stops the registration where it is, until somebody has mended it.
 *
 * @param abis - compares.
 */
export function shareWithAbis(abis: Abis, parts: AbisShareParts): Abis {
  const { partners, decisions, datashare, events, state, clock } = parts
  const share = async (rid: string, partnerId: string, policyId: string, record: CbeffRecord) => {
    const { policy } = await decisions.decide({ partnerId, policyId, action: 'share.create', actor: ACTOR })
    const { biometrics } = await datashare.filter(policy.body, {}, { [FIELD]: record })
    const birs = Object.values(biometrics).flatMap((one) => one.birs)
    if (birs.length === 0) throw new KeyhavenError('POLICY_REFUSED', `${policyId} lets out no biometrics`)
    const { url } = await datashare.create({
      ...{ policyId, subscriberId: partnerId, data: encodeCbeff({ birs }), actor: ACTOR },
      filename: 'biometrics',
    })
    await state.transaction((transaction) =>
      events.publish(transaction, {
        ...{ partnerId, topic: 'ABIS_INSERT', publisher: 'REGISTRATION_PROCESSOR' },
        event: {
          id: randomUUID(),
          transactionId: rid,
          type: { name: INSERT, namespace: 'mosip' },
          timestamp: mosipTime(clock()),
          dataShareUri: url,
          data: { id: INSERT, version: INSERT_VERSION, referenceId: rid, referenceURL: url },
        },
      }),
    )
  }
  return {
    name: abis.name,
    identify: abis.identify,
    async enrol(rid, birs) {
      for (const { id } of await partners.reads.partners.list({ type: ABIS_PARTNER, state: 'active' })) {
        const subscriptions = await partners.reads.subscriptions.list({ partnerId: id, state: 'approved' })
        for (const { policyId } of subscriptions) await share(rid, id, policyId, { birs })
      }
      await abis.enrol(rid, birs)
    },
  }
}
