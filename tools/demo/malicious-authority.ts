import { join } from 'node:path'
import { DatabaseSync, type SQLInputValue } from 'node:sqlite'
import { backend, utf8 } from '@keyhaven/crypto'
import {
  entryHash,
  generateDeviceKeys,
  signAcceptance,
  signDeviceKeyRequest,
  signEntry,
  signerOf,
} from '@keyhaven/directory'
import { encodeLeaf, entryCommitment, labelInput, OPENING_BYTES } from '@keyhaven/directory/log'
import { createDirectoryLog } from '../../packages/server/src/directory/log/directory-log.ts'
import { loadConfig } from '../../packages/server/src/platform/config/load-config.ts'
import { openState } from '../../packages/server/src/platform/state/open-state.ts'

/** A user's rows in the directory's tables. */
export type Rows = Readonly<Record<string, readonly Readonly<Record<string, SQLInputValue>>[]>>

const TABLES = ['directory_users', 'directory_entries', 'directory_devices', 'directory_encryption_keys']
const APPLICATION = 'demo'
const RECORD_SECONDS = 7 * 86_400
const MS_PER_SECOND = 1_000

/** Takes a user out of the database of a server that is stopped, as if nobody of that name had signed up. */
export function takeOut(dataDir: string, username: string): Rows {
  return withDatabase(dataDir, (database) => {
    const found: Record<string, Record<string, SQLInputValue>[]> = {}
    for (const table of TABLES) {
      found[table] = database.prepare(`SELECT * FROM ${table} WHERE username = ?`).all(username) as Record<
        string,
        SQLInputValue
      >[]
      database.prepare(`DELETE FROM ${table} WHERE username = ?`).run(username)
    }
    return found
  })
}

/** Puts such rows back, in the place of what there is of the user by now. */
export function putBack(dataDir: string, username: string, rows: Rows): void {
  takeOut(dataDir, username)
  withDatabase(dataDir, (database) => {
    for (const table of TABLES) {
      for (const row of rows[table]!) {
        const names = Object.keys(row)
        const values = names.map(() => '?').join()
        database
          .prepare(`INSERT INTO ${table} (${names.join()}) VALUES (${values})`)
          .run(...Object.values(row))
      }
    }
  })
}

/** @returns the rows with the first entry said to lie where another one lies in the log. */
export function atPlaceOf(rows: Rows, other: Rows): Rows {
  const { log_index, opening } = other.directory_entries![0]!
  const [first, ...rest] = rows.directory_entries!
  return { ...rows, directory_entries: [{ ...first!, log_index: log_index!, opening: opening! }, ...rest] }
}

/** Places in the log of a user's entries. */
export function placesOf(rows: Rows): number[] {
  return rows.directory_entries!.map(({ log_index }) => Number(log_index))
}

/**
 * Adds a device of its own to a user's chain: a record signed by the authority instead of by one of the
 * user's devices, accepted, logged under the user's label, with a checkpoint that the log's key signs. The
 * server is stopped, and this is its own code with its own keys; only the rules, which would refuse the
 * entry, are left out.
 *
 * @returns its place in the log.
 */
export async function addOwnDevice(dataDir: string, username: string): Promise<number> {
  const state = await openState(loadConfig({ KEYHAVEN_DATA_DIR: dataDir }), { schedule: false })
  const log = createDirectoryLog(state, Date.now, () => {})
  try {
    const keys = await log.keys(APPLICATION)
    const user = await state.db
      .selectFrom('directory_users')
      .selectAll()
      .where('username', '=', username)
      .executeTakeFirstOrThrow()
    const now = Math.floor(Date.now() / MS_PER_SECOND)
    const { device, profile, signer, encryptionKey } = await generateDeviceKeys(backend, 'x-wing')
    const request = await signDeviceKeyRequest(backend, signer, {
      ...{ application: APPLICATION, username, device, name: 'phone', profile, encryptionKey },
      ...{ notBefore: now, expires: now + RECORD_SECONDS },
    })
    const entry = await signEntry(backend, signerOf(backend, keys.authority), {
      ...{ application: APPLICATION, username, chain: user.chain, sequence: user.sequence + 1, issued: now },
      ...{ previous: Buffer.from(user.head).toString('base64url'), kind: 'device', request },
    })
    const hash = await entryHash(backend, entry)
    const opening = backend.randomBytes(OPENING_BYTES)
    const commitment = await entryCommitment(backend, opening, utf8(entry))
    const label = keys.label.output(keys.label.prove(labelInput(APPLICATION, username)))
    const signed = { application: APPLICATION, username, entry: hash, at: now }
    const acceptance = await signAcceptance(backend, keys.authority, signed)
    const index = await state.transaction(async (transaction) => {
      const leaf = encodeLeaf({ kind: 'entry', label, commitment })
      const place = await log.append(transaction, APPLICATION, keys, [leaf])
      const { sequence } = user
      const head = Buffer.from(hash, 'base64url')
      await transaction.db
        .insertInto('directory_entries')
        .values({
          ...{ application_id: APPLICATION, username, sequence: sequence + 1, kind: 'device', acceptance },
          ...{ entry: Buffer.from(entry), entry_hash: head, log_index: place, opening },
          accepted_at: now * MS_PER_SECOND,
        })
        .execute()
      await transaction.db
        .updateTable('directory_users')
        .set({ sequence: sequence + 1, head })
        .where('username', '=', username)
        .execute()
      return place
    })
    await log.files.catchUp(APPLICATION)
    return index
  } finally {
    await log.close()
    await state.close()
  }
}

function withDatabase<T>(dataDir: string, work: (database: DatabaseSync) => T): T {
  const database = new DatabaseSync(join(dataDir, 'keyhaven.db'))
  try {
    return work(database)
  } finally {
    database.close()
  }
}
