import { KeyhavenError } from '@keyhaven/crypto'
import type { State } from '../platform/state/state.ts'

/** What the server keeps of one user's history, over all recipients. */
export const MAX_HISTORY_BATCHES = 20_000
export const MAX_HISTORY_CHARS = 256 * 1_024 * 1_024

export interface HistoryBatch {
  readonly cursor: number
  readonly batch: string
  /** The device that sent it. */
  readonly device: string
  /** Milliseconds. */
  readonly receivedAt: number
}

export type RecoveryKind = 'passphrase' | 'passkey'

export interface HistoryStore {
  /** @throws KeyhavenError `WIRE_TOO_LARGE` beyond the user's quota. */
  add(
    applicationId: string,
    username: string,
    input: { readonly recipient: string; readonly batch: string; readonly device: string },
  ): Promise<number>
  /** Oldest first. */
  list(
    applicationId: string,
    username: string,
    recipient: string,
    after: number,
    limit: number,
  ): Promise<readonly HistoryBatch[]>
  putRecovery(applicationId: string, username: string, kind: RecoveryKind, wrapped: string): Promise<void>
  getRecovery(applicationId: string, username: string, kind: RecoveryKind): Promise<string | undefined>
}

export function createHistoryStore(state: State): HistoryStore {
  const { db } = state
  return {
    add: (applicationId, username, { recipient, batch, device }) =>
      state.transaction(async ({ db: transaction, now }) => {
        // Whoever adds for this user waits here.
        await transaction
          .selectFrom('directory_users')
          .select('username')
          .where('application_id', '=', applicationId)
          .where('username', '=', username)
          .$if(state.dialect === 'postgres', (query) => query.forUpdate())
          .execute()
        const { batches, newest, characters } = await transaction
          .selectFrom('history_batches')
          .select(({ fn }) => [
            fn.countAll<number | string>().as('batches'),
            fn.max('cursor').as('newest'),
            fn.sum<number | string | null>('characters').as('characters'),
          ])
          .where('application_id', '=', applicationId)
          .where('username', '=', username)
          .executeTakeFirstOrThrow()
        if (
          Number(batches) >= MAX_HISTORY_BATCHES ||
          Number(characters ?? 0) + batch.length > MAX_HISTORY_CHARS
        ) {
          throw new KeyhavenError('WIRE_TOO_LARGE', 'the history of this user is full')
        }
        const cursor = Number(newest ?? 0) + 1
        await transaction
          .insertInto('history_batches')
          .values({
            application_id: applicationId,
            username,
            recipient,
            cursor,
            batch,
            characters: batch.length,
            from_device: device,
            received_at: now,
          })
          .execute()
        return cursor
      }),

    async list(applicationId, username, recipient, after, limit) {
      const rows = await db
        .selectFrom('history_batches')
        .select(['cursor', 'batch', 'from_device', 'received_at'])
        .where('application_id', '=', applicationId)
        .where('username', '=', username)
        .where('recipient', '=', recipient)
        .where('cursor', '>', after)
        .orderBy('cursor')
        .limit(limit)
        .execute()
      return rows.map(({ cursor, batch, from_device, received_at }) => ({
        cursor,
        batch,
        device: from_device,
        receivedAt: received_at,
      }))
    },

    async putRecovery(applicationId, username, kind, wrapped) {
      await state.transaction(async ({ db: transaction, now }) => {
        await transaction
          .insertInto('recovery_blobs')
          .values({ application_id: applicationId, username, kind, wrapped, changed_at: now })
          .onConflict((conflict) =>
            conflict
              .columns(['application_id', 'username', 'kind'])
              .doUpdateSet({ wrapped, changed_at: now }),
          )
          .execute()
      })
    },

    async getRecovery(applicationId, username, kind) {
      const row = await db
        .selectFrom('recovery_blobs')
        .select('wrapped')
        .where('application_id', '=', applicationId)
        .where('username', '=', username)
        .where('kind', '=', kind)
        .executeTakeFirst()
      return row?.wrapped
    },
  }
}
