import { PROFILES, type Profile } from '@keyhaven/identity'
import type { WrapContext } from '@keyhaven/keys'
import type { Db } from '../../platform/database/schema.ts'
import type { State } from '../../platform/state/state.ts'
import { moduleKeyContext } from './module-key-context.ts'

/**
 * Wraps root, module and master keys under another master key, all of a profile in one transaction: they are
 * few.
 *
 * @param move - unwraps and wraps again.
 * @returns how many; 0 once there are no more.
 */
export async function moveModuleKeys(
  state: State,
  masterKeyId: string,
  move: (wrapped: Uint8Array, context: WrapContext) => Promise<Uint8Array>,
): Promise<number> {
  for (const profile of PROFILES) {
    const moved = await moveProfile(state, masterKeyId, profile, move)
    if (moved > 0) return moved
  }
  return 0
}

async function moveProfile(
  state: State,
  masterKeyId: string,
  profile: Profile,
  move: (wrapped: Uint8Array, context: WrapContext) => Promise<Uint8Array>,
): Promise<number> {
  const table = `identity_module_keys_${profile}` as const
  return state.transaction(async (transaction) => {
    const rows = await transaction.db
      .selectFrom(table)
      .selectAll()
      .where('master_key_id', '!=', masterKeyId)
      .$if(state.dialect === 'postgres', (query) => query.forUpdate())
      .execute()
    for (const row of rows) {
      const name = { appId: row.app_id, refId: row.ref_id }
      const context = moduleKeyContext(row.application_id, profile, name, row.generation)
      await transaction.db
        .updateTable(table)
        .set({ wrapped_key: await move(row.wrapped_key, context), master_key_id: masterKeyId })
        .where('application_id', '=', row.application_id)
        .where('app_id', '=', row.app_id)
        .where('ref_id', '=', row.ref_id)
        .where('generation', '=', row.generation)
        .execute()
    }
    if (rows.length > 0) transaction.effects.masterKeyIds.add(masterKeyId)
    return rows.length
  })
}

/** How many are not yet under this master key. */
export async function countModuleKeysToMove(db: Db, masterKeyId: string): Promise<number> {
  let others = 0
  for (const profile of PROFILES) {
    const { count } = await db
      .selectFrom(`identity_module_keys_${profile}`)
      .select((column) => column.fn.countAll<number>().as('count'))
      .where('master_key_id', '!=', masterKeyId)
      .executeTakeFirstOrThrow()
    others += Number(count)
  }
  return others
}
