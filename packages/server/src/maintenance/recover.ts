import type { KeyStep } from '@keyhaven/keys'
import { lockDatabase } from '../data-lock.ts'
import type { Anchor, AnchorHead, ManifestPosition, RevokedKey } from '../platform/anchor/anchor.ts'
import { compareWithAnchor, readStateHead } from '../platform/anchor/check-anchor.ts'
import { anchoredLogs, compareLogs } from '../platform/anchor/check-logs.ts'
import { anchorFile, openAnchor } from '../platform/anchor/open-anchor.ts'
import { appendEntries } from '../platform/audit/append-entries.ts'
import type { AuditRecord } from '../platform/audit/audit-log.ts'
import type { Config } from '../platform/config/config.ts'
import { migrateDatabase } from '../platform/database/migrations.ts'
import { openDatabase } from '../platform/database/open-database.ts'
import type { Db, DbTransaction, Dialect } from '../platform/database/schema.ts'
import { EVERYTHING, lockStateHead, recordChanges } from '../platform/state/commit-effects.ts'
import { chainGap, countLostEntries } from './chain-gap.ts'
import type { LongWork } from './long-work.ts'
import type { RecoveredLog } from './recover-logs.ts'
import { filedLogs, logPositions, recoverLogs } from './recover-logs.ts'
import { refusedAfterRecovery } from './refused-dates.ts'

const BATCH = 500
const REASON = 'revoked before the database was rolled back'

export interface RecoverOptions extends LongWork {
  readonly actor: string
  /** Milliseconds since the epoch. */
  readonly clock?: () => number
}

export interface RecoverSummary {
  /** False: the database is not behind its anchor, and nothing was changed. */
  readonly recovered: boolean
  /** In words, how the database was behind. */
  readonly difference?: string
  /** Keys that were live again and are revoked now. */
  readonly revokedAgain: readonly RevokedKey[]
  /** Applications whose manifest starts a new epoch: those that may have published one. */
  readonly epochsRaised: number
  /** Entries that were made and are lost; null if it cannot be known. */
  readonly missingAuditEntries: number | null
  /** Logs of which the database had lost a part. */
  readonly logs: readonly RecoveredLog[]
}

/**
 * Makes a database that was set back safe to use: revokes again what the anchor says was revoked, raises
 * every manifest's epoch so that clients take the next one, takes back what the logs lost, and goes on with
 * the audit chain behind an entry that names the gap. All in one transaction. Every server process must be
 * stopped.
 *
 * Also for a machine whose anchor is missing; then nothing is known of what was revoked since, and of the
 * logs what their files hold.
 */
export async function recover(
  config: Pick<Config, 'database' | 'masterKeyFile' | 'directory'>,
  options: RecoverOptions,
): Promise<RecoverSummary> {
  const lock = lockDatabase(config.database, 'maintenance')
  const database = await openDatabase(config.database).catch((error) => {
    lock?.release()
    throw error
  })
  try {
    await migrateDatabase(database.db)
    const anchor = openAnchor(anchorFile(config.masterKeyFile))
    try {
      return await recoverWith(database.db, database.dialect, anchor, config.directory.logDir, options)
    } finally {
      anchor.close()
    }
  } finally {
    await database.close()
    lock?.release()
  }
}

async function recoverWith(
  db: Db,
  dialect: Dialect,
  anchor: Anchor,
  logDir: string,
  options: RecoverOptions,
): Promise<RecoverSummary> {
  const anchored = anchor.head()
  const positions = anchored === undefined ? await filedLogs(db, logDir) : anchoredLogs(anchor)
  const difference = (await differenceOf(db, anchored)) ?? (await compareLogs(db, positions))
  const nothing = { revokedAgain: [], epochsRaised: 0, missingAuditEntries: 0, logs: [] }
  if (difference === undefined) return { recovered: false, ...nothing }

  const result = await db.transaction().execute(async (transaction) => {
    const head = await lockStateHead(transaction, dialect)
    const now = (options.clock ?? Date.now)()
    const { revokedAgain, tokensDeleted } = await revokeAgain(transaction, anchor.revokedKeys(), now, options)
    await transaction.deleteFrom('sessions').execute()
    const epochsRaised = await raiseEpochs(transaction, anchor.manifests())
    const logs = await recoverLogs(transaction, logDir, positions, now)
    const gap = chainGap(head, anchored)
    const missingAuditEntries = (await countLostEntries(transaction, head, anchored)) ?? null
    const detail = {
      difference,
      revokedAgain: revokedAgain.length,
      epochsRaised,
      missingAuditEntries: missingAuditEntries ?? 'not known',
      ...(logs.length > 0 && { logs: logs.map((log) => ({ ...log })) }),
      ...gap.detail,
    }
    const records: AuditRecord[] = [
      { actor: options.actor, action: 'state.recover', detail },
      ...revokedAgain.map((key) => ({
        actor: options.actor,
        action: 'key.revoke',
        applicationId: key.applicationId,
        subject: key.id,
        detail: { reason: REASON },
      })),
      ...tokensDeleted.map(({ id, name }) => ({
        actor: options.actor,
        action: 'token.delete',
        subject: id,
        detail: { name },
      })),
    ]
    const end = { sequence: head.audit_sequence, hash: head.audit_hash }
    const at = Math.max(now, head.audit_at)
    const auditHead = await appendEntries(transaction, end, records, at, gap.nextSequence)
    const version = Math.max(head.version, anchored?.version ?? 0) + 1
    await transaction
      .updateTable('state_head')
      .set({
        version,
        audit_sequence: auditHead.sequence,
        audit_hash: auditHead.hash,
        audit_at: at,
        restored_at: await refusedAfterRecovery(transaction, head, anchored, now),
      })
      .execute()
    await transaction.deleteFrom('state_changes').where('version', '>=', version).execute()
    await recordChanges(transaction, dialect, version, [EVERYTHING])
    const anchorLogs = await logPositions(transaction, positions)
    return { head, revokedAgain, epochsRaised, missingAuditEntries, logs, anchorLogs, auditHead, version }
  })

  // A crash from here on leaves the anchor as it was: the server stays refused, and recover runs again.
  for await (const manifests of allManifests(db)) {
    anchor.advance(anchored?.installation ?? result.head.installation, {
      version: 0,
      auditHead: anchored?.auditHead ?? { sequence: 0, hash: result.head.audit_hash },
      revoked: [],
      manifests,
    })
  }
  anchor.reset(result.head.installation, {
    version: result.version,
    auditHead: result.auditHead,
    revoked: result.revokedAgain,
    manifests: [],
    logs: result.anchorLogs,
  })
  const { revokedAgain, epochsRaised, missingAuditEntries, logs } = result
  return { recovered: true, difference, revokedAgain, epochsRaised, missingAuditEntries, logs }
}

async function differenceOf(db: Db, anchored: AnchorHead | undefined): Promise<string | undefined> {
  const head = await readStateHead(db)
  if (anchored !== undefined) return compareWithAnchor(db, head, anchored)
  return head.audit_sequence === 0 && head.version === 0 ? undefined : 'the rollback anchor is missing'
}

async function revokeAgain(
  db: DbTransaction,
  revoked: Iterable<RevokedKey>,
  now: number,
  options: RecoverOptions,
): Promise<{ revokedAgain: RevokedKey[]; tokensDeleted: { id: string; name: string }[] }> {
  const again: RevokedKey[] = []
  const tokensDeleted: { id: string; name: string }[] = []
  let done = 0
  for (const batch of batches(revoked)) {
    options.signal?.throwIfAborted()
    const ids = batch.map((key) => key.id)
    const tokens = await db
      .deleteFrom('api_tokens')
      .where('id', 'in', ids)
      .returning(['id', 'name'])
      .execute()
    tokensDeleted.push(...tokens)
    const rows = await db
      .selectFrom('managed_keys')
      .select(['id', 'application_id', 'history'])
      .where('id', 'in', ids)
      .where('state', '!=', 'revoked')
      .execute()
    for (const row of rows) {
      const step: KeyStep = { state: 'revoked', at: now, actor: options.actor, reason: REASON }
      await db
        .updateTable('managed_keys')
        .set({
          state: 'revoked',
          revoked_at: now,
          wrapped_private_key: null,
          master_key_id: null,
          history: JSON.stringify([...(JSON.parse(row.history) as KeyStep[]), step]),
        })
        .where('id', '=', row.id)
        .execute()
      again.push({ id: row.id, applicationId: row.application_id })
    }
    done += batch.length
    options.onProgress?.(done, done)
  }
  return { revokedAgain: again, tokensDeleted }
}

/** Past every epoch that a client may have seen, in the database or in the anchor. */
async function raiseEpochs(db: DbTransaction, anchored: Iterable<ManifestPosition>): Promise<number> {
  await db
    .updateTable('manifests')
    .set((column) => ({ epoch: column('epoch', '+', 1), sequence: 0 }))
    .execute()
  for (const batch of batches(anchored)) {
    await db
      .insertInto('manifests')
      .values(
        batch.map(({ applicationId, epoch }) => ({
          application_id: applicationId,
          epoch: epoch + 1,
          sequence: 0,
        })),
      )
      .onConflict((conflict) =>
        conflict
          .column('application_id')
          .doUpdateSet((column) => ({ epoch: column.ref('excluded.epoch') }))
          .whereRef('excluded.epoch', '>', 'manifests.epoch'),
      )
      .execute()
  }
  const { count } = await db
    .selectFrom('manifests')
    .select((column) => column.fn.countAll<number>().as('count'))
    .executeTakeFirstOrThrow()
  return count
}

async function* allManifests(db: Db): AsyncGenerator<ManifestPosition[]> {
  for (let after = ''; ; ) {
    const rows = await db
      .selectFrom('manifests')
      .selectAll()
      .where('application_id', '>', after)
      .orderBy('application_id')
      .limit(BATCH)
      .execute()
    const last = rows.at(-1)
    if (last === undefined) return
    yield rows.map(({ application_id, epoch, sequence }) => ({
      applicationId: application_id,
      epoch,
      sequence,
    }))
    after = last.application_id
  }
}

function* batches<T>(items: Iterable<T>): Generator<T[]> {
  let batch: T[] = []
  for (const item of items) {
    batch.push(item)
    if (batch.length < BATCH) continue
    yield batch
    batch = []
  }
  if (batch.length > 0) yield batch
}
