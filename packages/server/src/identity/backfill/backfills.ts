import { randomUUID } from 'node:crypto'
import { KeyhavenError } from '@keyhaven/crypto'
import {
  AUTH_CREDENTIAL,
  type CredentialOrder,
  type CredentialService,
  type IdentityRepository,
  type PartnerStore,
} from '@keyhaven/identity/service'
import type { Job, JobRunner, JobRunnerOptions } from '../../platform/jobs/job.ts'
import type { Jobs } from '../../platform/jobs/jobs.ts'
import type { State, StateTransaction } from '../../platform/state/state.ts'
import { CREDENTIAL_QUEUE } from '../credentials/credential-store.ts'
import { orderReason } from '../credentials/person-orders.ts'
import type { VaultRecipients } from '../vault/vault-recipients.ts'
import { type Backfill, findBackfill, listBackfills, moveBackfill, putBackfill } from './backfill-rows.ts'
import { BACKFILL_QUEUE, planBackfill } from './plan-backfill.ts'

const IDA = 'Online_Verification_Partner'
/** People that one job goes through. */
const PAGE_PEOPLE = 200
/** So many credentials wait at most because of a backfill: those of new people come in between. */
const MAX_WAITING_CREDENTIALS = 1_000
const LOOK_AGAIN_MS = 1_000

/** Of an IDA and a policy: who is gone through, and what became of the credentials. */
export interface BackfillProgress extends Backfill {
  readonly issued: number
  readonly waiting: number
  /** An operator has to look: `credential.fail` in the audit log says why. */
  readonly failed: number
}

/** Credentials of everybody who was registered before an IDA came. */
export interface Backfills {
  /**
   * Plans one for each policy that the IDA is subscribed to, by hand.
   *
   * @throws KeyhavenError `NOT_FOUND` (no such IDA), `CONFLICT` with what it lacks.
   */
  start(partner: string, actor: string): Promise<void>
  list(): Promise<readonly BackfillProgress[]>
  run(onError: (error: unknown) => void, options?: Partial<Pick<JobRunnerOptions, 'lease'>>): JobRunner
}

export interface BackfillParts {
  readonly state: State
  readonly applicationId: string
  readonly jobs: Jobs
  readonly clock: () => number
  readonly partners: Pick<PartnerStore<StateTransaction>, 'reads'>
  readonly recipients: Pick<VaultRecipients, 'list'>
  readonly repository: Pick<IdentityRepository, 'numbersOf' | 'activeRecords' | 'countActive'>
  readonly credentials: Pick<CredentialService<StateTransaction>, 'requestAll'>
}

/** Pages of people as jobs, each of which goes on where the last one was: in memory is one page. */
export function createBackfills(parts: BackfillParts): Backfills {
  const { state, applicationId, jobs, partners, recipients, repository, credentials } = parts
  const { reads } = partners
  const plan = planBackfill(jobs, applicationId)

  /** What an IDA lacks before credentials can be made for it; undefined: nothing. */
  const lacks = async (id: string): Promise<string | undefined> => {
    const partner = await reads.partners.get(id)
    if (partner?.type !== IDA || partner.state !== 'active') return 'it is not active'
    if ((await policiesOf(id)).length === 0) return 'no subscription of it is approved'
    if ((await recipients.list(id)).length === 0) return 'its transport certificate is not here'
    return undefined
  }
  const policiesOf = async (partnerId: string) =>
    (await reads.subscriptions.list({ partnerId, state: 'approved' })).map(({ policyId }) => policyId)

  const planPage = (transaction: StateTransaction, { partner, policyId, run }: Planned, notBefore?: number) =>
    jobs.enqueue(transaction, {
      ...{ queue: BACKFILL_QUEUE, applicationId, payload: { partner, policy: policyId, run } },
      ...{ orderKey: partner, ...(notBefore !== undefined && { notBefore }) },
    })

  const entryOf = ({ partner, policyId }: Planned, people: number) => ({
    ...{ applicationId, subject: partner, detail: { policy: policyId, people } },
  })

  const begin = async (job: Job): Promise<void> => {
    const partner = String(job.payload.partner)
    const startedBy = String(job.payload.actor)
    if ((await lacks(partner)) !== undefined) return
    const policies = await policiesOf(partner)
    const total = await repository.countActive()
    await state.transaction(async (transaction) => {
      await job.done(transaction)
      for (const policyId of policies) {
        const place = { applicationId, partner, policyId }
        const present = await findBackfill(transaction.db, place)
        // Begun just now, by another of the things that were lacking.
        if (present?.state === 'running' && present.lastRecord === '') continue
        const planned = { partner, policyId, run: randomUUID() }
        await putBackfill(transaction, place, { ...planned, total, startedBy })
        await planPage(transaction, planned)
        state.audit.append(transaction, {
          ...{ ...entryOf(planned, total), actor: startedBy, action: 'vault.backfill.start' },
        })
      }
    })
  }

  /** The same order again orders nothing, so that a page which was cut can be gone through again. */
  const orderPage = async ({ partner, policyId }: Planned, records: readonly string[]): Promise<void> => {
    const orders: CredentialOrder[] = []
    for (const record of records) {
      const person = await repository.numbersOf(record)
      for (const number of person?.numbers ?? []) {
        const { id, idType, expiresAt, transactionLimit } = number
        orders.push({
          requestId: `${await orderReason(person!.rid, number)}-${partner}-${policyId}`,
          ...{ id, idType, partner, policyId, credentialType: AUTH_CREDENTIAL },
          ...(expiresAt !== null && { expiresAt }),
          ...(transactionLimit !== null && { transactionLimit }),
        })
      }
    }
    await credentials.requestAll(orders, { again: true })
  }

  const page = async (job: Job, planned: Planned): Promise<void> => {
    const { partner, policyId, run } = planned
    const place = { applicationId, partner, policyId }
    const present = await findBackfill(state.db, place)
    if (present?.run !== run || present.state !== 'running') return
    const allowed = (await lacks(partner)) === undefined && (await policiesOf(partner)).includes(policyId)
    const crowded = allowed && (await isCrowded(state, applicationId))
    const records = allowed && !crowded ? await repository.activeRecords(present.lastRecord, PAGE_PEOPLE) : []
    await orderPage(planned, records)
    await state.transaction(async (transaction) => {
      await job.done(transaction)
      if (crowded) return void (await planPage(transaction, planned, parts.clock() + LOOK_AGAIN_MS))
      const ended = allowed ? 'done' : 'stopped'
      const next = {
        ...{ run, state: records.length === PAGE_PEOPLE ? ('running' as const) : ended },
        ...{ lastRecord: records.at(-1) ?? present.lastRecord, people: present.people + records.length },
      } satisfies Pick<Backfill, 'run' | 'state' | 'lastRecord' | 'people'>
      if (!(await moveBackfill(transaction, place, next))) return
      if (next.state === 'running') return void (await planPage(transaction, planned))
      state.audit.append(transaction, {
        ...{ ...entryOf(planned, next.people), actor: 'system', action: 'vault.backfill.finish' },
      })
    })
  }

  return {
    async start(partner, actor) {
      if ((await reads.partners.get(partner))?.type !== IDA) {
        throw new KeyhavenError('NOT_FOUND', 'there is no such online verification partner (IDA)')
      }
      const missing = await lacks(partner)
      if (missing !== undefined)
        throw new KeyhavenError('CONFLICT', `nothing can be issued for it: ${missing}`)
      await state.transaction((transaction) => plan(transaction, partner, actor))
    },

    async list() {
      const found: BackfillProgress[] = []
      for (const backfill of await listBackfills(state.db, applicationId)) {
        found.push({ ...backfill, ...(await countCredentials(state, applicationId, backfill)) })
      }
      return found
    },

    run: (onError, options = {}) =>
      jobs.createJobRunner({
        ...{ queue: BACKFILL_QUEUE, concurrency: 1, onError, ...options },
        async handler(job) {
          const { partner, policy, run } = job.payload
          if (run === undefined) return begin(job)
          return page(job, { partner: String(partner), policyId: String(policy), run: String(run) })
        },
      }),
  }
}

type Planned = Pick<Backfill, 'partner' | 'policyId' | 'run'>

async function isCrowded({ db }: State, applicationId: string): Promise<boolean> {
  const row = await db
    .selectFrom('identity_jobs')
    .select('id')
    .where('application_id', '=', applicationId)
    .where('queue', '=', CREDENTIAL_QUEUE)
    .where('state', '=', 'waiting')
    .limit(1)
    .offset(MAX_WAITING_CREDENTIALS)
    .executeTakeFirst()
  return row !== undefined
}

async function countCredentials(
  { db }: State,
  applicationId: string,
  { partner, policyId }: Backfill,
): Promise<Pick<BackfillProgress, 'issued' | 'waiting' | 'failed'>> {
  const rows = await db
    .selectFrom('identity_credentials')
    .select(({ fn }) => ['state', fn.countAll<number | string>().as('count')])
    .where('application_id', '=', applicationId)
    .where('partner_id', '=', partner)
    .where('policy_id', '=', policyId)
    .groupBy('state')
    .execute()
  const of = (state: string) => Number(rows.find((row) => row.state === state)?.count ?? 0)
  return { issued: of('ISSUED'), waiting: of('NEW'), failed: of('FAILED') }
}
