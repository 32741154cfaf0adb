import { sql } from 'kysely'
import type { Db } from '../database/schema.ts'
import type { Anchor, LogPosition, ManifestPosition } from './anchor.ts'
import { readStateHead } from './check-anchor.ts'

/** In `state_changes`, before an application's id: its log grew, and nothing else changed. */
export const LOG_CHANGE_PREFIX = 'log:'
/** Rows read at a time. */
const BATCH = 1_000

/**
 * Brings the anchor up to a database that is ahead of it: after a crash between commit and advance, and when
 * processes of other machines, which have anchors of their own, revoked keys or published manifests.
 */
export async function absorbState(db: Db, anchor: Anchor): Promise<void> {
  const head = await readStateHead(db)
  const anchored = anchor.head()
  if (anchored === undefined || anchored.installation !== head.installation) return
  const since = anchored.auditHead.sequence
  if (head.audit_sequence <= since && head.version <= anchored.version) return
  const advance = { version: anchored.version, auditHead: anchored.auditHead, revoked: [], manifests: [] }
  for (let after = since; ; ) {
    const entries = await db
      .selectFrom('audit_entries')
      .select(['sequence', 'subject', 'application_id'])
      .where('action', 'in', ['key.revoke', 'token.delete'])
      .where('sequence', '>', after)
      .where('sequence', '<=', head.audit_sequence)
      .orderBy('sequence')
      .limit(BATCH)
      .execute()
    const revoked = entries.map((entry) => ({ id: entry.subject, applicationId: entry.application_id }))
    anchor.advance(head.installation, { ...advance, revoked })
    const last = entries.at(-1)
    if (last === undefined || entries.length < BATCH) break
    after = last.sequence
  }
  for await (const manifests of manifestsSince(db, anchored.version)) {
    anchor.advance(head.installation, { ...advance, manifests })
  }
  for await (const logs of logsSince(db, anchored.version)) {
    anchor.advance(head.installation, { ...advance, logs })
  }
  // The head last: a crash on the way leaves the anchor behind, and the next start absorbs the rest.
  anchor.advance(head.installation, {
    version: head.version,
    auditHead: { sequence: head.audit_sequence, hash: head.audit_hash },
    revoked: [],
    manifests: [],
  })
}

/** Whether changes after `version` have been forgotten, so that all there is must be read. */
async function isForgotten(db: Db, version: number): Promise<boolean> {
  const oldest = await db
    .selectFrom('state_changes')
    .select('version')
    .orderBy('version')
    .limit(1)
    .executeTakeFirst()
  return oldest !== undefined && oldest.version > version + 1
}

async function* logsSince(db: Db, version: number): AsyncGenerator<LogPosition[]> {
  const everything = await isForgotten(db, version)
  for (let after = ''; ; ) {
    const rows = await db
      .selectFrom('log_heads')
      .select(['application_id', 'size', 'root'])
      .where('application_id', '>', after)
      .$if(!everything, (query) =>
        query.where('application_id', 'in', (sub) =>
          sub
            .selectFrom('state_changes')
            .select(sql<string>`substr(application_id, ${sql.lit(LOG_CHANGE_PREFIX.length + 1)})`.as('id'))
            .where('version', '>', version)
            .where('application_id', 'like', `${LOG_CHANGE_PREFIX}%`),
        ),
      )
      .orderBy('application_id')
      .limit(BATCH)
      .execute()
    const last = rows.at(-1)
    if (last === undefined) return
    yield rows.map(({ application_id, size, root }) => ({ applicationId: application_id, size, root }))
    after = last.application_id
  }
}

async function* manifestsSince(db: Db, version: number): AsyncGenerator<ManifestPosition[]> {
  const everything = await isForgotten(db, version)
  for (let after = ''; ; ) {
    const ids = await db
      .selectFrom(everything ? 'manifests' : 'state_changes')
      .select('application_id')
      .distinct()
      .where('application_id', '>', after)
      .$if(!everything, (query) => query.where('version', '>', version))
      .orderBy('application_id')
      .limit(BATCH)
      .execute()
    const last = ids.at(-1)
    if (last === undefined) return
    const rows = await db
      .selectFrom('manifests')
      .selectAll()
      .where(
        'application_id',
        'in',
        ids.map((row) => row.application_id),
      )
      .execute()
    yield rows.map(({ application_id, epoch, sequence }) => ({
      applicationId: application_id,
      epoch,
      sequence,
    }))
    after = last.application_id
  }
}
