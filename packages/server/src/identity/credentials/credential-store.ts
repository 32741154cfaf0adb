import { KeyhavenError } from '@keyhaven/crypto'
import type {
  CredentialEventToPublish,
  CredentialState,
  CredentialStore,
  EventPublisher,
  NewCredential,
  StoredCredential,
} from '@keyhaven/identity/service'
import { AUTH_CREDENTIAL, CREDENTIAL_PUBLISHER } from '@keyhaven/identity/service'
import type { ExpressionBuilder } from 'kysely'
import type { Database, DbTransaction } from '../../platform/database/schema.ts'
import type { Jobs } from '../../platform/jobs/jobs.ts'
import type { State, StateTransaction } from '../../platform/state/state.ts'
import type { IdentityCredentialsTable } from './tables.ts'

/** Queue of credentials that are to be issued; its payload is the request id. */
export const CREDENTIAL_QUEUE = 'credential'
const MAX_FAILURE_CHARACTERS = 300

export interface CredentialStoreOptions {
  readonly state: State
  readonly applicationId: string
  readonly jobs: Pick<Jobs, 'enqueue'>
  readonly events: EventPublisher<StateTransaction>
}

type Newest = Parameters<CredentialStore<StateTransaction>['renew']>[0]

export function createCredentialStore(options: CredentialStoreOptions): CredentialStore<StateTransaction> {
  const { state, applicationId, jobs, events } = options
  const at = (requestId: string) => ({ application_id: applicationId, request_id: requestId })

  const within = <T>(
    outer: StateTransaction | undefined,
    work: (transaction: StateTransaction) => Promise<T>,
  ): Promise<T> => (outer === undefined ? state.transaction(work) : work(outer))

  const plan = (transaction: StateTransaction, requestId: string) =>
    jobs.enqueue(transaction, {
      ...{ queue: CREDENTIAL_QUEUE, applicationId, payload: { request: requestId }, orderKey: requestId },
    })

  /** @returns false if it is issued, or somebody is at it. */
  const revive = async ({ db }: StateTransaction, requestId: string): Promise<boolean> => {
    const row = await findRow(db, requestId, true)
    if (row === undefined || row.state === 'ISSUED') return false
    const waiting = await db
      .selectFrom('identity_jobs')
      .select('id')
      .where((eb) => eb.and({ application_id: applicationId, queue: CREDENTIAL_QUEUE }))
      .where((eb) => eb.and({ order_key: requestId, state: 'waiting' }))
      .limit(1)
      .executeTakeFirst()
    if (waiting !== undefined) return false
    await db
      .updateTable('identity_credentials')
      .set({ state: 'NEW' })
      .where((eb) => eb.and(at(requestId)))
      .execute()
    return true
  }

  const insert = async (
    transaction: StateTransaction,
    order: NewCredential,
    again: boolean,
  ): Promise<boolean> => {
    const { numInsertedOrUpdatedRows } = await transaction.db
      .insertInto('identity_credentials')
      .values({
        ...{ ...at(order.requestId), partner_id: order.partner, policy_id: order.policyId },
        ...{ credential_type: order.credentialType, sealed_order: order.sealedOrder, state: 'NEW' },
        ...{ failure: null, credential_id: null, event_id: null, share_url: null },
        ...{ generation: null, oprf_key: null, requested_at: transaction.now, issued_at: null },
      })
      .onConflict((on) => on.columns(['application_id', 'request_id']).doNothing())
      .executeTakeFirst()
    const fresh = numInsertedOrUpdatedRows === 1n
    if (!fresh && !(again && (await revive(transaction, order.requestId)))) return false
    await plan(transaction, order.requestId)
    return true
  }

  const publish = async (transaction: StateTransaction, event: CredentialEventToPublish) =>
    events.publish(transaction, { ...event, publisher: CREDENTIAL_PUBLISHER })

  const findRow = (db: Pick<DbTransaction, 'selectFrom'>, requestId: string, lock = false) =>
    db
      .selectFrom('identity_credentials')
      .selectAll()
      .where((eb) => eb.and(at(requestId)))
      .$if(lock && state.dialect === 'postgres', (query) => query.forUpdate())
      .executeTakeFirst()

  return {
    insert: (order, outer, again = false) =>
      within(outer, (transaction) => insert(transaction, order, again)),

    insertAll: (orders, again) =>
      state.transaction(async (transaction) => {
        for (const order of orders) await insert(transaction, order, again)
      }),

    async find(requestId) {
      const row = await findRow(state.db, requestId)
      return row && toStored(row)
    },

    issued: (requestId, result, event) =>
      state.transaction(async (transaction) => {
        const { db, now } = transaction
        const row = await findRow(db, requestId, true)
        if (row === undefined) throw new KeyhavenError('NOT_FOUND', 'there is no such credential request')
        if (row.state === 'ISSUED') return toStored(row)
        const change = {
          ...{ state: 'ISSUED', failure: null, issued_at: now, event_id: event.event.id },
          ...{ credential_id: result.credentialId, share_url: result.dataShareUri },
          ...{ generation: result.generation, oprf_key: result.oprfKey },
        }
        await db
          .updateTable('identity_credentials')
          .set(change)
          .where((eb) => eb.and(at(requestId)))
          .execute()
        await publish(transaction, event)
        state.audit.append(transaction, {
          ...{ actor: 'system', action: 'credential.issue', applicationId, subject: result.credentialId },
          detail: { request: requestId, partner: row.partner_id, policy: row.policy_id },
        })
        return toStored({ ...row, ...change })
      }),

    sharedAgain: (told, result, tell) =>
      state.transaction(async (transaction) => {
        const requestId = told.transactionId
        const row = await findRow(transaction.db, requestId, true)
        if (row?.event_id !== told.id) throw new KeyhavenError('NOT_FOUND', 'it was issued once more since')
        await transaction.db
          .updateTable('identity_credentials')
          .set({
            ...{ credential_id: result.credentialId, share_url: result.dataShareUri },
            ...{ generation: result.generation, oprf_key: result.oprfKey, event_id: result.eventId },
          })
          .where((eb) => eb.and(at(requestId)))
          .execute()
        await tell(transaction)
        state.audit.append(transaction, {
          ...{ actor: 'system', action: 'credential.issue', applicationId, subject: result.credentialId },
          detail: {
            request: requestId,
            partner: row.partner_id,
            policy: row.policy_id,
            again: 'share ended',
          },
        })
      }),

    failed: (requestId, failure, final) =>
      state.transaction(async (transaction) => {
        const { numUpdatedRows } = await transaction.db
          .updateTable('identity_credentials')
          .set({ state: final ? 'FAILED' : 'NEW', failure: failure.slice(0, MAX_FAILURE_CHARACTERS) })
          .where((eb) => eb.and(at(requestId)))
          .where('state', '!=', 'ISSUED')
          .executeTakeFirst()
        if (numUpdatedRows !== 1n || !final) return
        state.audit.append(transaction, {
          ...{ actor: 'system', action: 'credential.fail', applicationId, subject: requestId },
          detail: { failure: failure.slice(0, MAX_FAILURE_CHARACTERS) },
        })
      }),

    publish: (event, outer) =>
      within(outer, async (transaction) => {
        await publish(transaction, event)
        state.audit.append(transaction, {
          ...{ actor: 'system', action: 'credential.status', applicationId, subject: event.event.id },
          detail: { partner: event.partnerId, topic: event.topic },
        })
      }),

    renew: (newest, limit) =>
      state.transaction(async (transaction) => {
        const { db } = transaction
        const rows = await db
          .selectFrom('identity_credentials')
          .select('request_id')
          .where('application_id', '=', applicationId)
          .where('credential_type', '=', AUTH_CREDENTIAL)
          .where('state', '=', 'ISSUED')
          .where((eb) => isOlder(eb, newest))
          .orderBy('request_id')
          .limit(limit)
          .$if(state.dialect === 'postgres', (query) => query.forUpdate().skipLocked())
          .execute()
        for (const { request_id } of rows) {
          await db
            .updateTable('identity_credentials')
            .set({ state: 'NEW' })
            .where((eb) => eb.and(at(request_id)))
            .execute()
          await plan(transaction, request_id)
        }
        return rows.length
      }),

    async renewal(newest) {
      const count = async (older: boolean) => {
        const row = await state.db
          .selectFrom('identity_credentials')
          .select(({ fn }) => fn.countAll<number>().as('count'))
          .where('application_id', '=', applicationId)
          .where('credential_type', '=', AUTH_CREDENTIAL)
          .where('generation', 'is not', null)
          .$if(older, (query) => query.where((eb) => isOlder(eb, newest)))
          .executeTakeFirstOrThrow()
        return Number(row.count)
      }
      const left = await count(true)
      return { left, done: (await count(false)) - left }
    },
  }
}

function isOlder(eb: ExpressionBuilder<Database, 'identity_credentials'>, { generation, oprfKey }: Newest) {
  return eb.or([
    eb('generation', '<', generation),
    ...(oprfKey === null ? [] : [eb('oprf_key', '<', oprfKey)]),
  ])
}

function toStored(row: IdentityCredentialsTable): StoredCredential {
  return {
    ...{ requestId: row.request_id, partner: row.partner_id, policyId: row.policy_id },
    ...{ credentialType: row.credential_type, state: row.state as CredentialState, failure: row.failure },
    ...{ credentialId: row.credential_id, eventId: row.event_id, dataShareUri: row.share_url },
    ...{ requestedAt: row.requested_at, issuedAt: row.issued_at },
    ...{ generation: row.generation, oprfKey: row.oprf_key },
    sealedOrder: new Uint8Array(row.sealed_order),
  }
}
