import { sql } from 'kysely'
import type { State } from '../platform/state/state.ts'
import { type KeyObjects, keyObjectName } from './key-vault.ts'

const MS_PER_DAY = 86_400_000
const KEYS_PER_TRANSACTION = 500
/** How long a device waits for a share before it has to ask again. */
export const REQUEST_DAYS = 30

interface DueKey {
  readonly application_id: string
  readonly conversation: string
  readonly id: string
  readonly stored_in: string | null
}

/**
 * Erases keys that were superseded longer ago than their conversation's retention rule keeps them; their rows
 * stay, and say when. Requests for shares that nobody answered go, too.
 *
 * @param now - milliseconds.
 * @returns how many keys.
 */
export async function eraseSuperseded(
  state: State,
  now: number,
  objects?: () => Promise<KeyObjects>,
): Promise<number> {
  let erased = 0
  for (;;) {
    const due = await dueKeys(state, now)
    // First: a crash in between erases them again, rather than never.
    for (const { application_id: application, conversation, id: key, stored_in } of due) {
      if (stored_in !== 'objects' || objects === undefined) continue
      await (await objects()).delete(keyObjectName({ application, conversation, key }))
    }
    if (due.length > 0) await markErased(state, due, now)
    erased += due.length
    if (due.length < KEYS_PER_TRANSACTION) break
  }
  await state.db
    .deleteFrom('conversation_requests')
    .where('requested_at', '<', now - REQUEST_DAYS * MS_PER_DAY)
    .execute()
  return erased
}

async function dueKeys(state: State, now: number): Promise<readonly DueKey[]> {
  const { rows } = await sql<DueKey>`
    select k.application_id, k.conversation, k.id, k.stored_in
    from conversation_keys k
    join conversations c on c.application_id = k.application_id and c.id = k.conversation
    where k.erased_at is null and c.retention_days is not null
      and k.superseded_at < ${now} - c.retention_days * ${MS_PER_DAY}
    order by k.application_id, k.id
    limit ${KEYS_PER_TRANSACTION}`.execute(state.db)
  return rows
}

async function markErased(state: State, keys: readonly DueKey[], now: number): Promise<void> {
  await state.transaction(async (transaction) => {
    for (const { application_id, conversation, id } of keys) {
      const { numUpdatedRows } = await transaction.db
        .updateTable('conversation_keys')
        .set({ wrapped_key: null, master_key_id: null, stored_in: null, erased_at: now })
        .where('application_id', '=', application_id)
        .where('id', '=', id)
        .where('erased_at', 'is', null)
        .executeTakeFirst()
      // Another process was first.
      if (numUpdatedRows === 0n) continue
      for (const table of ['conversation_recipients', 'conversation_shares'] as const) {
        await transaction.db
          .deleteFrom(table)
          .where('application_id', '=', application_id)
          .where('key_id', '=', id)
          .execute()
      }
      state.audit.append(transaction, {
        actor: 'system',
        action: 'conversation.erase',
        applicationId: application_id,
        subject: id,
        detail: { conversation },
      })
    }
  })
}
