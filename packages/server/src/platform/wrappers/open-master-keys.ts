import { KeyhavenError } from '@keyhaven/crypto'
import type { Config } from '../config/config.ts'
import type { Db, Dialect } from '../database/schema.ts'
import { lockStateHead } from '../state/commit-effects.ts'
import type { LocalWrapper } from './local-wrapper.ts'
import { openLocalWrapper } from './local-wrapper.ts'
import type { KeyringLocation } from './master-keyring.ts'

/** Where the configuration says the keyring is. */
export function keyringLocation(
  config: Pick<Config, 'masterKeyFile' | 'masterPassphraseFile'>,
): KeyringLocation {
  const { masterKeyFile: file, masterPassphraseFile: passphraseFile } = config
  return passphraseFile === undefined ? { file } : { file, passphraseFile }
}

/**
 * Opens the keyring that the database's keys are wrapped under; makes one only for a database that has none
 * yet.
 *
 * @throws KeyhavenError `CONFIG_INVALID` if the keyring is missing, or is another installation's.
 */
export async function openMasterKeys(
  db: Db,
  dialect: Dialect,
  config: Config,
  now: number,
): Promise<LocalWrapper> {
  const location = keyringLocation(config)
  const { master_key_id: expected } = await db
    .selectFrom('state_head')
    .select('master_key_id')
    .where('id', '=', 1)
    .executeTakeFirstOrThrow()
  const wrapper = openLocalWrapper(location, { create: expected === '', now })
  const settled = expected === '' ? await claim(db, dialect, wrapper) : expected
  if (wrapper.masterKeyIds.includes(settled)) {
    wrapper.use(settled)
    return wrapper
  }
  throw new KeyhavenError(
    'CONFIG_INVALID',
    `the database's keys are wrapped under master key ${settled}, which is not in ${location.file}: put ` +
      'the right keyring there',
  )
}

/** Binds a new database to its keyring, once: of two processes that start together, one decides. */
async function claim(db: Db, dialect: Dialect, wrapper: LocalWrapper): Promise<string> {
  return db.transaction().execute(async (transaction) => {
    const head = await lockStateHead(transaction, dialect)
    if (head.master_key_id !== '') return head.master_key_id
    await transaction.updateTable('state_head').set({ master_key_id: wrapper.masterKeyId }).execute()
    return wrapper.masterKeyId
  })
}
