import { backend, equalConstantTime, fromBase64url, KeyhavenError } from '@keyhaven/crypto'
import { decodeEntry, foldChain, type UserState } from '@keyhaven/directory'
import { appendToPeaks, decodeLeaf, emptyRoot, type LogHead, leafHash, rootOf } from '@keyhaven/directory/log'
import { storeLeaves } from '../directory/log/append-leaves.ts'
import { readLogFiles, setLogFilesAside } from '../directory/log/log-files.ts'
import type { LogRecord } from '../directory/log/log-records.ts'
import { readLogRecords } from '../directory/log/log-records.ts'
import type { LogHeadsTable } from '../directory/tables.ts'
import type { LogPosition } from '../platform/anchor/anchor.ts'
import { findLogDifferences } from '../platform/anchor/check-logs.ts'
import type { Db, DbTransaction } from '../platform/database/schema.ts'

const MS_PER_SECOND = 1_000

/** What became of a log that the database had lost a part of. */
export interface RecoveredLog {
  readonly applicationId: string
  /**
   * Entries that the database held, that were taken back from the files, and that the anchor or the files
   * knew of.
   */
  readonly kept: number
  readonly restored: number
  readonly anchored: number
  /**
   * The log is again the one that was published, as far as the anchor or the files know; false: clients will
   * see that it shrank or changed.
   */
  readonly whole: boolean
}

/**
 * Takes back what the database lost of each log, from the files beside the anchor: leaves, and the users'
 * entries that they commit to, so that neither the log nor a chain goes back.
 */
export async function recoverLogs(
  db: DbTransaction,
  folder: string,
  anchored: readonly LogPosition[],
  now: number,
): Promise<readonly RecoveredLog[]> {
  const recovered: RecoveredLog[] = []
  for (const { anchored: position } of await findLogDifferences(db, anchored)) {
    recovered.push(await recoverLog(db, folder, position, now))
  }
  return recovered
}

/** Where there is no anchor: every log as the files hold it. Files of another log say nothing of this one. */
export async function filedLogs(db: Db, folder: string): Promise<LogPosition[]> {
  const heads = await db.selectFrom('log_heads').select(['application_id', 'origin']).execute()
  const positions: LogPosition[] = []
  for (const { application_id: applicationId, origin } of heads) {
    let log: LogHead = { size: 0, peaks: [] }
    try {
      for await (const bundle of readLogFiles(folder, applicationId, origin)) {
        const hashes = await Promise.all(bundle.map((leaf) => leafHash(backend, leaf)))
        const { size, peaks } = await appendToPeaks(backend, log, hashes)
        log = { size, peaks }
      }
    } catch (error) {
      if (!(error instanceof KeyhavenError) || error.code !== 'CONFIG_INVALID') throw error
      continue
    }
    if (log.size > 0)
      positions.push({ applicationId, size: log.size, root: await rootOf(backend, log.peaks) })
  }
  return positions
}

/** The logs as the anchor must hold them after a recovery. */
export async function logPositions(
  db: DbTransaction,
  anchored: readonly LogPosition[],
): Promise<LogPosition[]> {
  const rows = await db.selectFrom('log_heads').select(['application_id', 'size', 'root']).execute()
  const held = rows.map((row) => ({ applicationId: row.application_id, size: row.size, root: row.root }))
  const names = new Set(held.map((position) => position.applicationId))
  const root = await emptyRoot(backend)
  const gone = anchored.filter(({ applicationId }) => !names.has(applicationId))
  return [...held, ...gone.map(({ applicationId }) => ({ applicationId, size: 0, root }))]
}

async function recoverLog(
  db: DbTransaction,
  folder: string,
  anchored: LogPosition,
  now: number,
): Promise<RecoveredLog> {
  const { applicationId } = anchored
  const head = await db
    .selectFrom('log_heads')
    .selectAll()
    .where('application_id', '=', applicationId)
    .executeTakeFirst()
  const result = { applicationId, kept: head?.size ?? 0, anchored: anchored.size }
  const lost = head && (await readLost(folder, head, anchored))
  if (head === undefined || lost === undefined) {
    // The log's keys are gone, or the files are of another log: what is there goes on by itself.
    await setLogFilesAside(folder, applicationId, now)
    return { ...result, restored: 0, whole: false }
  }
  const { size, peaks, root } = await storeLeaves(db, head, lost.leaves)
  await db
    .updateTable('log_heads')
    // Signed anew at the next read, since its key is not opened here.
    .set({ size, root, peaks: Buffer.concat(peaks), checkpoint: '', checkpoint_at: 0 })
    .where('application_id', '=', applicationId)
    .execute()
  await restoreEntries(db, applicationId, await readLogRecords(folder, applicationId, head.size), size, now)
  return { ...result, restored: lost.leaves.length, whole: lost.whole }
}

/** Leaves behind the database's end; undefined if the files do not begin as the database does. */
async function readLost(
  folder: string,
  head: LogHeadsTable,
  anchored: LogPosition,
): Promise<{ leaves: Uint8Array[]; whole: boolean } | undefined> {
  let log: LogHead = { size: 0, peaks: [] }
  let begins = head.size === 0
  let whole = false
  const leaves: Uint8Array[] = []
  for await (const bundle of readLogFiles(folder, head.application_id, head.origin)) {
    for (const leaf of bundle) {
      const { size, peaks } = await appendToPeaks(backend, log, [await leafHash(backend, leaf)])
      log = { size, peaks }
      if (size > head.size) leaves.push(leaf)
      if (size === head.size)
        begins = equalConstantTime(await rootOf(backend, peaks), new Uint8Array(head.root))
      if (size === anchored.size)
        whole = equalConstantTime(await rootOf(backend, peaks), new Uint8Array(anchored.root))
    }
    if (!begins && log.size >= head.size) return undefined
  }
  return begins ? { leaves, whole } : undefined
}

async function restoreEntries(
  db: DbTransaction,
  applicationId: string,
  records: ReadonlyMap<number, LogRecord>,
  size: number,
  now: number,
): Promise<void> {
  const usernames = new Set<string>()
  for (const record of [...records.values()].sort((a, b) => a.index - b.index)) {
    if (record.index >= size) continue
    const { entry } = decodeEntry(record.entry)
    usernames.add(record.username)
    await db
      .insertInto('directory_entries')
      .values({
        application_id: applicationId,
        username: record.username,
        sequence: record.sequence,
        entry: Buffer.from(record.entry, 'latin1'),
        entry_hash: fromBase64url(record.hash),
        kind: record.kind,
        acceptance: record.acceptance,
        log_index: record.index,
        opening: fromBase64url(record.opening),
        accepted_at: record.acceptedAt,
      })
      .execute()
    const change = {
      chain: entry.chain,
      sequence: record.sequence,
      head: fromBase64url(record.hash),
      sign_up: record.signUp,
      changed_at: record.acceptedAt,
    }
    await db
      .insertInto('directory_users')
      .values({
        application_id: applicationId,
        username: record.username,
        created_at: record.acceptedAt,
        ...change,
      })
      .onConflict((conflict) => conflict.columns(['application_id', 'username']).doUpdateSet(change))
      .execute()
  }
  for (const username of usernames) await restoreDevices(db, applicationId, username, now)
}

/** The devices as the user's entries have them. */
async function restoreDevices(
  db: DbTransaction,
  applicationId: string,
  username: string,
  now: number,
): Promise<void> {
  const rows = await db
    .selectFrom('directory_entries')
    .select(['entry', 'sequence', 'accepted_at'])
    .where('application_id', '=', applicationId)
    .where('username', '=', username)
    .orderBy('sequence')
    .execute()
  const state = await foldChain(
    backend,
    rows.map((row) => Buffer.from(row.entry).toString('latin1')),
    {
      application: applicationId,
      username,
      authority: await readAuthority(db, applicationId),
      now: Math.floor(now / MS_PER_SECOND),
    },
  )
  await db
    .deleteFrom('directory_devices')
    .where('application_id', '=', applicationId)
    .where('username', '=', username)
    .execute()
  // A statement may be signed by a key that was renewed since: devices publish the next one soon.
  await db
    .deleteFrom('directory_encryption_keys')
    .where('application_id', '=', applicationId)
    .where('username', '=', username)
    .execute()
  const accepted = new Map(rows.map((row) => [row.sequence, row.accepted_at]))
  for (const device of [...state.former, ...state.devices]) {
    const { record, revocation } = device
    const ended = endOf(state, device)
    await db
      .insertInto('directory_devices')
      .values({
        application_id: applicationId,
        username,
        device: device.device,
        chain: device.chain,
        name: record.name,
        profile: record.profile,
        since: device.since * MS_PER_SECOND,
        not_before: record.notBefore * MS_PER_SECOND,
        expires_at: record.expires * MS_PER_SECOND,
        ended_at: ended === undefined ? null : ended * MS_PER_SECOND,
        changed_at: accepted.get(revocation?.sequence ?? record.sequence) ?? now,
      })
      .execute()
  }
}

/** Seconds: revoked, or ended by a reset, whichever was first. */
function endOf(state: UserState, device: UserState['devices'][number]): number | undefined {
  const reset = state.history.find((item) => item.kind === 'reset' && item.chain === device.chain + 1)?.issued
  const ends = [reset, device.revocation?.effective].filter((at) => at !== undefined)
  return ends.length === 0 ? undefined : Math.min(...ends)
}

async function readAuthority(db: DbTransaction, applicationId: string) {
  const { leaf } = await db
    .selectFrom('log_entries')
    .select('leaf')
    .where('application_id', '=', applicationId)
    .where('position', '=', 0)
    .executeTakeFirstOrThrow()
  const parameters = decodeLeaf(new Uint8Array(leaf))
  if (parameters.kind !== 'parameters') throw new TypeError('leaf 0 holds the parameters')
  return backend.signatures.importVerifyKey('EdDSA', { ...parameters.authorityKey })
}
