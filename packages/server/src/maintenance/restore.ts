import { existsSync } from 'node:fs'
import { resolve } from 'node:path'
import { KeyhavenError } from '@keyhaven/crypto'
import { sql } from 'kysely'
import { lockDatabase } from '../data-lock.ts'
import type { AnchorHead } from '../platform/anchor/anchor.ts'
import { readStateHead } from '../platform/anchor/check-anchor.ts'
import { anchorFile, openAnchor } from '../platform/anchor/open-anchor.ts'
import { appendEntries } from '../platform/audit/append-entries.ts'
import type { Config } from '../platform/config/config.ts'
import { MIGRATIONS, migrateDatabase, TABLES } from '../platform/database/migrations.ts'
import { openDatabase } from '../platform/database/open-database.ts'
import type { DbTransaction } from '../platform/database/schema.ts'
import { readMasterKeyIds } from '../platform/wrappers/master-keyring.ts'
import { keyringLocation } from '../platform/wrappers/open-master-keys.ts'
import type { BackupHeader, Row } from './backup-format.ts'
import { backupEnd, chainGap } from './chain-gap.ts'
import type { LongWork } from './long-work.ts'
import { readBackup } from './read-backup.ts'
import { refusedAfterRestore } from './refused-dates.ts'

const ROWS_PER_INSERT = 200

export interface RestoreOptions extends LongWork {
  readonly file: string
  readonly actor: string
  /** Also over a database that is not empty: what it holds is lost. */
  readonly force?: boolean
  /** Milliseconds since the epoch. */
  readonly clock?: () => number
}

export interface RestoreSummary {
  readonly rows: number
  readonly createdAt: string
  /** Whether the server will refuse to start until `keyhaven recover` has run. */
  readonly recoverNeeded: boolean
}

/**
 * Fills a database from a backup, of either engine, in one transaction: whole or not at all. The file is read
 * twice, first to check it. A database that is thereby set back behind its anchor starts only after
 * `recover`, so that no revoked key comes back.
 *
 * @throws KeyhavenError `INPUT_INVALID` (the file), `CONFLICT` (database not empty), `CONFIG_INVALID` (master
 *   key missing, backup of a newer version, a server runs), `STORE_UNAVAILABLE`.
 */
export async function restore(
  config: Pick<Config, 'database' | 'masterKeyFile' | 'masterPassphraseFile'>,
  options: RestoreOptions,
): Promise<RestoreSummary> {
  const file = resolve(options.file)
  const header = await check(file, config, options)
  const lock = lockDatabase(config.database, 'maintenance')
  const database = await openDatabase(config.database).catch((error) => {
    lock?.release()
    throw error
  })
  try {
    const anchored = readAnchor(config.masterKeyFile)
    const rows = await database.db.transaction().execute(async (transaction) => {
      const now = (options.clock ?? Date.now)()
      const refusedUntil = await empty(transaction, options.force === true, now)
      await migrateDatabase(transaction, header.schema)
      const restored = await load(transaction, file, header, options)
      await migrateDatabase(transaction)
      await record(transaction, header, anchored, { actor: options.actor, now, refusedUntil })
      return restored
    })
    const head = await readStateHead(database.db)
    return { rows, createdAt: header.createdAt, recoverNeeded: isBehind(header, head.version, anchored) }
  } finally {
    await database.close()
    lock?.release()
  }
}

/** Reads the whole file before anything is touched. */
async function check(
  file: string,
  config: Pick<Config, 'masterKeyFile' | 'masterPassphraseFile'>,
  work: LongWork,
): Promise<BackupHeader> {
  let header: BackupHeader | undefined
  for await (const part of readBackup(file)) {
    work.signal?.throwIfAborted()
    if (part.kind === 'header') header = part.header
  }
  if (header === undefined) throw new KeyhavenError('INPUT_INVALID', 'the backup is cut or damaged')
  if (!header.schema.every((name) => name in MIGRATIONS)) {
    throw new KeyhavenError('CONFIG_INVALID', 'the backup was made by a newer version of this program')
  }
  const known = readMasterKeyIds(keyringLocation(config)) ?? []
  const missing = header.masterKeyIds.filter((id) => !known.includes(id))
  if (missing.length > 0) {
    throw new KeyhavenError(
      'CONFIG_INVALID',
      `the backup's keys are wrapped under master key ${missing.join(', ')}: put its keyring at ` +
        `${config.masterKeyFile} first`,
    )
  }
  return header
}

function readAnchor(masterKeyFile: string): AnchorHead | undefined {
  const file = anchorFile(masterKeyFile)
  if (!existsSync(file)) return undefined
  const anchor = openAnchor(file)
  try {
    return anchor.head()
  } finally {
    anchor.close()
  }
}

/** @returns which dates are refused from now on, by what the database knew. */
async function empty(db: DbTransaction, force: boolean, now: number): Promise<number> {
  const present = new Set(
    (await db.introspection.getTables({ withInternalKyselyTables: true })).map((table) => table.name),
  )
  if (!force && present.has('state_head') && (await isUsed(db))) {
    throw new KeyhavenError('CONFLICT', 'the database is not empty: restore into a new one, or force it')
  }
  const refusedUntil = await refusedAfterRestore(db, present, now)
  for (const table of [...TABLES].reverse()) {
    if (present.has(table.name)) await db.schema.dropTable(table.name).execute()
  }
  if (present.has('kysely_migration')) await sql`delete from kysely_migration`.execute(db)
  return refusedUntil
}

async function isUsed(db: DbTransaction): Promise<boolean> {
  const head = await db.selectFrom('state_head').select(['audit_sequence', 'version']).executeTakeFirst()
  return (head?.audit_sequence ?? 0) > 0 || (head?.version ?? 0) > 0
}

async function load(db: DbTransaction, file: string, header: BackupHeader, work: LongWork): Promise<number> {
  const wanted = new Set(TABLES.filter((table) => table.backup).map((table) => table.name))
  const total = Object.values(header.counts).reduce((sum, count) => sum + count, 0)
  await sql`delete from state_head`.execute(db) // the row that the migration made
  let rows = 0
  let batch: Row[] = []
  let current = ''
  const flush = async (): Promise<void> => {
    if (batch.length === 0) return
    await db
      .insertInto(current as 'state_head')
      .values(batch as never)
      .execute()
    rows += batch.length
    batch = []
    work.onProgress?.(rows, total)
  }
  for await (const part of readBackup(file)) {
    if (part.kind === 'header') continue
    work.signal?.throwIfAborted()
    if (!wanted.has(part.table)) throw new KeyhavenError('INPUT_INVALID', 'the backup names an unknown table')
    if (part.table !== current || batch.length >= ROWS_PER_INSERT) await flush()
    current = part.table
    batch.push(part.row)
  }
  await flush()
  return rows
}

async function record(
  db: DbTransaction,
  header: BackupHeader,
  anchored: AnchorHead | undefined,
  { actor, now, refusedUntil }: { actor: string; now: number; refusedUntil: number },
): Promise<void> {
  const head = await readStateHead(db)
  const end = { sequence: head.audit_sequence, hash: head.audit_hash }
  const gap = chainGap(head, anchored)
  const detail = {
    backupCreatedAt: header.createdAt,
    ...backupEnd(header.auditHead.sequence),
    ...gap.detail,
  }
  const at = Math.max(now, head.audit_at)
  const entry = { actor, action: 'state.restore', detail }
  const auditHead = await appendEntries(db, end, [entry], at, gap.nextSequence)
  await db
    .updateTable('state_head')
    .set({
      audit_sequence: auditHead.sequence,
      audit_hash: auditHead.hash,
      audit_at: at,
      restored_at: refusedUntil,
    })
    .execute()
}

function isBehind(header: BackupHeader, version: number, anchored: AnchorHead | undefined): boolean {
  if (anchored === undefined) return true
  const { sequence, hash } = anchored.auditHead
  if (anchored.installation !== header.installation || version < anchored.version) return true
  if (sequence !== header.auditHead.sequence) return sequence > header.auditHead.sequence
  return sequence > 0 && Buffer.from(hash).toString('hex') !== header.auditHead.hash
}
