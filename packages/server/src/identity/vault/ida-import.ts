import {
  generationOf,
  type IdaImport,
  type IdaImported,
  type IdaStore,
  type StoredPoolKey,
} from '@keyhaven/identity/service'
import type { DbTransaction } from '../../platform/database/schema.ts'
import type { State, StateTransaction } from '../../platform/state/state.ts'
import type { IdaRows } from './ida-rows.ts'
import { countKeys, lockPool, type PoolPlace, poolTable, preparePoolKeyQuery } from './pool-store.ts'
import type { IdaRecordsTable } from './tables.ts'

/** Stores what an event brings, whole or not at all. */
export function createIdaImport(
  state: State,
  place: PoolPlace,
  rows: IdaRows,
  { reportConflict }: Pick<IdaStore, 'reportConflict'>,
): IdaStore['import'] {
  const { applicationId, profile } = place
  const findKey = preparePoolKeyQuery(place)

  /** @returns the conflict, if a number holds another key: then the transaction must be undone. */
  const putKeys = async (
    transaction: StateTransaction,
    { keys, eventId }: IdaImport,
  ): Promise<IdaImported | undefined> => {
    const { db, now } = transaction
    await lockPool(state, db, place)
    for (const came of keys) {
      const stored: StoredPoolKey | undefined = await findKey(db, came.index)
      if (stored !== undefined && stored.check !== came.check) return { result: 'key-conflict', stored, came }
      if (stored !== undefined) continue
      await db
        .insertInto(poolTable(place))
        .values({
          ...{ application_id: applicationId, key_index: came.index, wrapped: came.wrapped },
          ...{ key_check: came.check, source: eventId, created_at: now },
        })
        .execute()
      await countKeys(transaction, place, generationOf(came.index), 1)
    }
    return undefined
  }

  const putSalt = async (db: DbTransaction, { salt: given }: IdaImport): Promise<IdaImported | undefined> => {
    if (given === undefined) return undefined
    await db
      .insertInto('ida_id_salts')
      .values({ application_id: applicationId, ...given })
      .onConflict((on) => on.columns(['application_id', 'modulo']).doNothing())
      .execute()
    const { salt } = await db
      .selectFrom('ida_id_salts')
      .select('salt')
      .where('application_id', '=', applicationId)
      .where('modulo', '=', given.modulo)
      .executeTakeFirstOrThrow()
    return salt === given.salt ? undefined : { result: 'salt-conflict', modulo: given.modulo }
  }

  const putRecord = async (transaction: StateTransaction, credential: IdaImport): Promise<IdaImported> => {
    const { db } = transaction
    const { record } = credential
    const { idHash } = record
    const found = await rows.findLocked(db, idHash)
    if (found?.credential_id === record.credentialId) return { result: 'known' }
    const since = found && (found.state === 'removed' ? found.state_at : found.issued_at)
    if (since !== undefined && since > record.issuedAt) return { result: 'older' }
    if (found !== undefined) {
      await rows.dropAttributes(db, idHash)
      await rows.drop(db, idHash)
    }
    // Who was deactivated stays so under a new credential; who was removed has come back.
    const kept = found?.state === 'deactivated'
    await db
      .insertInto(rows.records)
      .values({
        ...{ ...rows.at(idHash), credential_id: record.credentialId, partner_id: record.partner },
        ...{ policy_id: record.policy, token: record.token, state: kept ? 'deactivated' : 'active' },
        ...{ issued_at: record.issuedAt, state_at: kept ? found.state_at : record.issuedAt },
        ...{ expires_at: record.expiresAt, transactions_left: transactionsLeft(found, record) },
        ...{ generation: record.generation, oprf_key: record.oprfKey },
        revision: (found?.revision ?? 0) + 1,
      })
      .execute()
    await rows.putAttributes(db, idHash, credential.attributes)
    state.audit.append(transaction, {
      actor: 'system',
      action: 'ida.import',
      applicationId,
      subject: record.credentialId,
      detail: { profile, event: credential.eventId, attributes: credential.attributes.length },
    })
    return { result: 'imported' }
  }

  return async (credential) => {
    try {
      return await state.transaction(async (transaction) => {
        const conflict =
          (await putKeys(transaction, credential)) ?? (await putSalt(transaction.db, credential))
        if (conflict !== undefined) throw new Undone(conflict)
        return putRecord(transaction, credential)
      })
    } catch (error) {
      if (!(error instanceof Undone)) throw error
      const { conflict } = error
      if (conflict.result === 'key-conflict') {
        const { stored, came } = conflict
        const where = { index: came.index, check: stored.check, otherCheck: came.check }
        await reportConflict({ kind: 'import', ...where, source: credential.eventId })
      }
      return conflict
    }
  }
}

/** A further credential of the same id gives no use back: it may be the same one, encrypted anew. */
function transactionsLeft(
  found: Pick<IdaRecordsTable, 'state' | 'transactions_left'> | undefined,
  { transactionsLeft: came }: IdaImport['record'],
): number | null {
  const left = found === undefined || found.state === 'removed' ? null : found.transactions_left
  return came === null || left === null ? came : Math.min(came, left)
}

/** Carries a conflict out of the transaction that it undoes. */
class Undone extends Error {
  readonly conflict: IdaImported

  constructor(conflict: IdaImported) {
    super('undone')
    this.conflict = conflict
  }
}
