import { sql } from 'kysely'
import type { AnchorAdvance } from '../anchor/anchor.ts'
import { appendEntries } from '../audit/append-entries.ts'
import type { DbTransaction, Dialect } from '../database/schema.ts'
import type { StateHeadTable } from '../database/tables.ts'
import type { TransactionEffects } from './state.ts'

/** On which PostgreSQL tells its listeners that the version rose. */
export const NOTIFY_CHANNEL = 'keyhaven_state'
/** In `state_changes`: everything an application's name could stand for. */
export const EVERYTHING = '*'
/** Versions whose changes are kept; a process that is further behind forgets everything it cached. */
export const CHANGE_LOG_VERSIONS = 10_000
const PRUNE_EVERY_VERSIONS = 500

/**
 * A key was wrapped under a master key that was replaced meanwhile: use the present one and run the work
 * again.
 */
export class MasterKeyReplaced extends Error {
  readonly masterKeyId: string

  constructor(masterKeyId: string) {
    super('the master key was replaced')
    this.masterKeyId = masterKeyId
  }
}

/** What a transaction did, as the anchor and the other processes must learn of it. */
export interface CommittedEffects {
  readonly installation: string
  readonly advance: AnchorAdvance
}

/** Locks the one row that orders all changes; held until the transaction ends. */
export async function lockStateHead(db: DbTransaction, dialect: Dialect): Promise<StateHeadTable> {
  return db
    .selectFrom('state_head')
    .selectAll()
    .where('id', '=', 1)
    .$if(dialect === 'postgres', (query) => query.forUpdate())
    .executeTakeFirstOrThrow()
}

/**
 * Writes, as the last part of a transaction, its audit entries, the new version and what changed.
 *
 * @returns undefined if there was nothing to write.
 * @throws MasterKeyReplaced
 */
export async function commitEffects(
  db: DbTransaction,
  dialect: Dialect,
  effects: TransactionEffects,
  now: number,
): Promise<CommittedEffects | undefined> {
  const changes = effects.changed.size > 0
  if (!changes && effects.audit.length === 0 && effects.masterKeyIds.size === 0) return undefined
  const head = await lockStateHead(db, dialect)
  for (const id of effects.masterKeyIds) {
    if (id !== head.master_key_id) throw new MasterKeyReplaced(head.master_key_id)
  }
  const at = Math.max(now, head.audit_at)
  const auditHead = await appendEntries(
    db,
    { sequence: head.audit_sequence, hash: head.audit_hash },
    effects.audit,
    at,
  )
  const version = head.version + (changes ? 1 : 0)
  await db
    .updateTable('state_head')
    .set({ version, audit_sequence: auditHead.sequence, audit_hash: auditHead.hash, audit_at: at })
    .where('id', '=', 1)
    .execute()
  if (changes) await recordChanges(db, dialect, version, effects.changed)
  return {
    installation: head.installation,
    advance: {
      version,
      auditHead,
      revoked: [...effects.revoked],
      manifests: [...effects.manifests],
      logs: [...effects.logs.values()],
    },
  }
}

/** The change log's rows of one version, and the notification. */
export async function recordChanges(
  db: DbTransaction,
  dialect: Dialect,
  version: number,
  applicationIds: Iterable<string>,
): Promise<void> {
  await db
    .insertInto('state_changes')
    .values([...applicationIds].map((application_id) => ({ version, application_id })))
    .execute()
  if (version % PRUNE_EVERY_VERSIONS === 0) {
    await db
      .deleteFrom('state_changes')
      .where('version', '<=', version - CHANGE_LOG_VERSIONS)
      .execute()
  }
  if (dialect === 'postgres') {
    await sql`select pg_notify(${NOTIFY_CHANNEL}, ${String(version)})`.execute(db)
  }
}
