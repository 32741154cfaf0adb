import type { Db } from '../database/schema.ts'
import type { Anchor, ManifestPosition } from './anchor.ts'
import { readStateHead } from './check-anchor.ts'

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
  // The head last: a crash on the way leaves the anchor behind, and the next start absorbs the rest.
  anchor.advance(head.installation, {
    version: head.version,
    auditHead: { sequence: head.audit_sequence, hash: head.audit_hash },
    revoked: [],
    manifests: [],
  })
}

async function* manifestsSince(db: Db, version: number): AsyncGenerator<ManifestPosition[]> {
  const oldest = await db
    .selectFrom('state_changes')
    .select('version')
    .orderBy('version')
    .limit(1)
    .executeTakeFirst()
  const everything = oldest !== undefined && oldest.version > version + 1
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
