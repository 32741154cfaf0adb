import { randomBytes } from 'node:crypto'
import { UIN_SALTS, type UinSalt } from '@keyhaven/identity/service'
import { bulkInsert } from '../../platform/database/bulk-insert.ts'
import type { State } from '../../platform/state/state.ts'

const SALT_BYTES = 16

/** The table of salts, made at first use and the same for ever; read once. */
export function createUinSalts(state: State, applicationId: string): () => Promise<readonly UinSalt[]> {
  let known: Promise<readonly UinSalt[]> | undefined
  const read = async (): Promise<UinSalt[]> => {
    const rows = await state.db
      .selectFrom('identity_uin_salts')
      .select(['id', 'hash_salt', 'encrypt_salt'])
      .where('application_id', '=', applicationId)
      .orderBy('id')
      .execute()
    return rows.map((row) => ({ hashSalt: row.hash_salt, encryptSalt: row.encrypt_salt }))
  }
  const make = async (): Promise<UinSalt[]> => {
    const found = await read()
    if (found.length === UIN_SALTS) return found
    await state.transaction(async ({ db }) => {
      const first = { application_id: applicationId, id: 0, hash_salt: salt(), encrypt_salt: salt() }
      // Two processes at the same time: the second waits here, and finds that it is done.
      const { numInsertedOrUpdatedRows } = await db
        .insertInto('identity_uin_salts')
        .values(first)
        .onConflict((conflict) => conflict.columns(['application_id', 'id']).doNothing())
        .executeTakeFirst()
      if (numInsertedOrUpdatedRows !== 1n) return
      const rest = Array.from({ length: UIN_SALTS - 1 }, (_, at) => [applicationId, at + 1, salt(), salt()])
      const columns = ['application_id', 'id', 'hash_salt', 'encrypt_salt'] as const
      await bulkInsert(db, state.dialect, 'identity_uin_salts', columns, rest)
    })
    return read()
  }
  return () => {
    known ??= make().catch((error: unknown) => {
      known = undefined
      throw error
    })
    return known
  }
}

function salt(): string {
  return randomBytes(SALT_BYTES).toString('base64')
}
