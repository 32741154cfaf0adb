import type { Db, DbTransaction, Dialect } from '../database/schema.ts'
import type { ManifestPositions } from './manifest-positions.ts'
import type { StateTransaction } from './state.ts'

const FIRST = { epoch: 1, sequence: 0 }

export function createManifestPositions(db: Db, dialect: Dialect): ManifestPositions {
  const read = async (from: Db | DbTransaction, applicationId: string, lock: boolean) => {
    const row = await from
      .selectFrom('manifests')
      .select(['epoch', 'sequence'])
      .where('application_id', '=', applicationId)
      .$if(lock && dialect === 'postgres', (query) => query.forUpdate())
      .executeTakeFirst()
    return row ?? FIRST
  }

  const advance = async (
    applicationId: string,
    transaction: StateTransaction,
    step: (position: { epoch: number; sequence: number }) => { epoch: number; sequence: number },
  ) => {
    // The row first, so that two processes that publish for the first time wait for each other.
    await transaction.db
      .insertInto('manifests')
      .values({ application_id: applicationId, ...FIRST })
      .onConflict((conflict) => conflict.column('application_id').doNothing())
      .execute()
    const position = step(await read(transaction.db, applicationId, true))
    await transaction.db
      .updateTable('manifests')
      .set(position)
      .where('application_id', '=', applicationId)
      .execute()
    transaction.effects.manifests.push({ applicationId, ...position })
    transaction.changed(applicationId)
    return position
  }

  return {
    get: (applicationId, transaction) => read(transaction?.db ?? db, applicationId, false),
    next: (applicationId, transaction) =>
      advance(applicationId, transaction, ({ epoch, sequence }) => ({ epoch, sequence: sequence + 1 })),
    raiseEpoch: (applicationId, transaction) =>
      advance(applicationId, transaction, ({ epoch }) => ({ epoch: epoch + 1, sequence: 0 })),
  }
}
