import { createHash, randomBytes } from 'node:crypto'
import { createWriteStream, existsSync } from 'node:fs'
import { link, open, rm } from 'node:fs/promises'
import { basename, dirname, join, resolve } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { createGzip } from 'node:zlib'
import { KeyhavenError } from '@keyhaven/crypto'
import type { Config } from '../platform/config/config.ts'
import { TABLES } from '../platform/database/migrations.ts'
import type { BackupHeader } from './backup-format.ts'
import { BACKUP_FORMAT, BACKUP_VERSION, encodeLine, encodeRow } from './backup-format.ts'
import type { LongWork } from './long-work.ts'
import type { Snapshot } from './snapshot.ts'
import { openSnapshot } from './snapshot.ts'

const FILE_MODE = 0o600

export interface BackupOptions extends LongWork {
  /** Must not exist yet. */
  readonly file: string
  /** Milliseconds since the epoch. */
  readonly clock?: () => number
}

export interface BackupSummary {
  readonly file: string
  readonly rows: number
  readonly counts: Readonly<Record<string, number>>
  readonly auditHead: { readonly sequence: number; readonly hash: string }
}

/**
 * Writes everything but what lives only minutes into one file, as of one moment, while the server runs.
 * Private keys are in it only wrapped; the master keyring and the rollback anchor are not in it.
 *
 * @throws KeyhavenError `CONFLICT` if the file exists, `STORE_UNAVAILABLE`, `INPUT_INVALID` if there is no
 *   database.
 */
export async function backup(
  config: Pick<Config, 'database'>,
  options: BackupOptions,
): Promise<BackupSummary> {
  const file = resolve(options.file)
  if (existsSync(file)) throw exists(file)
  if (config.database.dialect === 'sqlite' && !existsSync(config.database.file)) {
    throw new KeyhavenError('INPUT_INVALID', `there is no database ${config.database.file}`)
  }
  const temporary = join(dirname(file), `.${basename(file)}.${randomBytes(6).toString('hex')}`)
  const snapshot = await openSnapshot(config.database)
  try {
    const header = await readHeader(snapshot, (options.clock ?? Date.now)())
    await pipeline(
      Readable.from(lines(snapshot, header, options)),
      createGzip(),
      createWriteStream(temporary, { flags: 'wx', mode: FILE_MODE, flush: true }),
      ...(options.signal === undefined ? [] : [{ signal: options.signal }]),
    )
    await place(temporary, file)
    return { file, rows: total(header), counts: header.counts, auditHead: header.auditHead }
  } catch (error) {
    if (error instanceof KeyhavenError || options.signal?.aborted === true) throw error
    throw new KeyhavenError('STORE_UNAVAILABLE', `the backup ${file} cannot be written`, { cause: error })
  } finally {
    await rm(temporary, { force: true })
    await snapshot.close()
  }
}

async function readHeader(snapshot: Snapshot, now: number): Promise<BackupHeader> {
  const [head] = await snapshot.query('select * from state_head where id = 1')
  const migrations = await snapshot.query('select name from kysely_migration order by name')
  const masterKeys = await snapshot.query(
    `select master_key_id from managed_keys where master_key_id is not null
     union select master_key_id from conversation_keys where master_key_id is not null`,
  )
  const counts: Record<string, number> = {}
  for (const table of TABLES) {
    if (!table.backup) continue
    const [row] = await snapshot.query(`select count(*) as rows from "${table.name}"`)
    counts[table.name] = Number(row?.rows)
  }
  return {
    format: BACKUP_FORMAT,
    version: BACKUP_VERSION,
    createdAt: new Date(now).toISOString(),
    installation: String(head?.installation),
    schema: migrations.map((row) => String(row.name)),
    masterKeyIds: masterKeys.map((row) => String(row.master_key_id)),
    auditHead: {
      sequence: Number(head?.audit_sequence),
      hash: Buffer.from((head?.audit_hash ?? new Uint8Array()) as Uint8Array).toString('hex'),
    },
    counts,
  }
}

async function* lines(snapshot: Snapshot, header: BackupHeader, work: LongWork): AsyncGenerator<Buffer> {
  const hash = createHash('sha256')
  const hashed = (text: string): Buffer => {
    const bytes = Buffer.from(text)
    hash.update(bytes)
    return bytes
  }
  yield hashed(encodeLine(header))
  let rows = 0
  for (const table of TABLES) {
    if (!table.backup) continue
    for await (const batch of snapshot.rows(table)) {
      work.signal?.throwIfAborted()
      rows += batch.length
      yield hashed(batch.map((row) => encodeRow(table.name, row)).join(''))
      work.onProgress?.(rows, total(header))
    }
  }
  yield Buffer.from(encodeLine({ end: true, rows, sha256: hash.digest('hex') }))
}

function total(header: BackupHeader): number {
  return Object.values(header.counts).reduce((sum, count) => sum + count, 0)
}

/** Gives the finished file its name, unless the name was taken meanwhile. */
async function place(temporary: string, file: string): Promise<void> {
  try {
    await link(temporary, file)
  } catch (error) {
    throw (error as NodeJS.ErrnoException).code === 'EEXIST' ? exists(file) : error
  }
  const directory = await open(dirname(file), 'r')
  try {
    await directory.sync()
  } finally {
    await directory.close()
  }
}

function exists(file: string): KeyhavenError {
  return new KeyhavenError('CONFLICT', `${file} exists already: choose another name`)
}
