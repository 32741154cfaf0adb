import { backend, toBase64url, utf8 } from '@keyhaven/crypto'
import type { IdentityChange, IdentityRepository, PersonNumber } from '@keyhaven/identity/service'
import type { JobRunner } from '../../platform/jobs/job.ts'
import type { Jobs } from '../../platform/jobs/jobs.ts'
import type { StateTransaction } from '../../platform/state/state.ts'
import type { OrderedPerson } from './order-credentials.ts'

/** Queue of people of whom IDAs have to hear something; its payload is the record. */
export const PERSON_QUEUE = 'identity.person'
const TAG_CHARACTERS = 16

type Enqueue = Pick<Jobs, 'enqueue'>

/**
 * Plans, in the transaction that changes a person, that every IDA gets what it lacks of the person: a new VID, new
 * data, or credentials that could not be issued while the person was blocked.
 */
export function planPersonOrders(
  jobs: Enqueue,
  applicationId: string,
): (transaction: StateTransaction, change: IdentityChange) => Promise<void> {
  return async (transaction, change) => {
    const tells =
      change.kind === 'vid-created' ||
      change.kind === 'updated' ||
      (change.kind === 'status' && change.status === 'ACTIVATED')
    if (!tells) return
    const { record } = change
    await jobs.enqueue(transaction, {
      ...{ queue: PERSON_QUEUE, applicationId, payload: { record }, orderKey: record },
    })
  }
}

export interface PersonOrderParts {
  readonly jobs: Pick<Jobs, 'createJobRunner'>
  readonly repository: Pick<IdentityRepository, 'numbersOf'>
  readonly order: (person: OrderedPerson) => Promise<void>
}

/** Orders what {@link planPersonOrders} planned. The same order again orders nothing. */
export function runPersonOrders(
  { jobs, repository, order }: PersonOrderParts,
  onError: (error: unknown) => void,
): JobRunner {
  return jobs.createJobRunner({
    ...{ queue: PERSON_QUEUE, onError },
    async handler({ payload }) {
      const person = await repository.numbersOf(String(payload.record))
      if (person === undefined) return
      for (const number of person.numbers) {
        const { id, idType, expiresAt, transactionLimit } = number
        const reason = await orderReason(person.rid, number)
        await order({ reason, id, idType, expiresAt, transactionLimit, verifiersOnly: true, again: true })
      }
    },
  })
}

/** Names an order of one number and one state of a person's data, as a registration names that of the UIN. */
export async function orderReason(
  rid: string,
  { idType, tag }: Pick<PersonNumber, 'idType' | 'tag'>,
): Promise<string> {
  if (idType === 'UIN') return rid
  return `${rid}-${toBase64url(await backend.sha256(utf8(tag))).slice(0, TAG_CHARACTERS)}`
}
