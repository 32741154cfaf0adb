import { randomBytes } from 'node:crypto'
import type { State } from '../../platform/state/state.ts'

const SALT_BYTES = 16

/** Salts of the hashes by which IDAs find people: one for each modulo, made when first asked for, for ever. */
export function createIdSalts(state: State, applicationId: string): (modulo: number) => Promise<string> {
  const known = new Map<number, string>()
  const find = async (modulo: number): Promise<string | undefined> => {
    const row = await state.db
      .selectFrom('identity_id_salts')
      .select('salt')
      .where('application_id', '=', applicationId)
      .where('modulo', '=', modulo)
      .executeTakeFirst()
    return row?.salt
  }
  return async (modulo) => {
    const ready = known.get(modulo) ?? (await find(modulo))
    if (ready !== undefined) {
      known.set(modulo, ready)
      return ready
    }
    await state.db
      .insertInto('identity_id_salts')
      .values({ application_id: applicationId, modulo, salt: randomBytes(SALT_BYTES).toString('base64') })
      .onConflict((on) => on.columns(['application_id', 'modulo']).doNothing())
      .execute()
    const made = (await find(modulo))!
    known.set(modulo, made)
    return made
  }
}
