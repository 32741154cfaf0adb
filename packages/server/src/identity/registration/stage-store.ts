import { KeyhavenError } from '@keyhaven/crypto'
import { isFinalStage } from '@keyhaven/identity'
import type { GalleryEntry, StageStore, StoredRegistration } from '@keyhaven/identity/service'
import { sql } from 'kysely'
import type { Db } from '../../platform/database/schema.ts'
import type { Job } from '../../platform/jobs/job.ts'
import type { State } from '../../platform/state/state.ts'
import { addEvent, findRegistration } from './registration-rows.ts'

/** The rows of a registration during one run of its job, which ends with its last stage. */
export function createStageStore(state: State, applicationId: string, job: Job): StageStore {
  return {
    find: (rid) => findRegistration(state.db, applicationId, rid),

    advance: (from, to) =>
      state.transaction(async (transaction) => {
        const { db, now } = transaction
        const { stage, reason, officer, demographics, receipt, record } = to
        const { numUpdatedRows } = await db
          .updateTable('identity_registrations')
          .set({
            ...{ stage, reason: reason ?? null, changed_at: now },
            ...(officer !== undefined && { officer }),
            ...(demographics !== undefined && { demographics }),
            ...(receipt !== undefined && { receipt }),
            ...(stage === 'REJECTED' ? { record: null } : record !== undefined && { record }),
          })
          .where('application_id', '=', applicationId)
          .where('rid', '=', from.rid)
          .where('stage', '=', from.stage)
          .where('attempt', '=', from.attempt)
          .executeTakeFirst()
        if (numUpdatedRows !== 1n)
          throw new KeyhavenError('CONFLICT', 'somebody went on with this registration')
        await addEvent(transaction, applicationId, from.rid, to)
        if (stage === 'REJECTED') {
          state.audit.append(transaction, {
            ...{ actor: 'system', action: 'identity.registration.reject', applicationId, subject: from.rid },
            detail: { stage: from.stage, reason: reason ?? '', attempt: from.attempt },
          })
        } else {
          state.audit.append(transaction, {
            ...{ actor: 'system', action: 'identity.registration.advance', applicationId, subject: from.rid },
            detail: { from: from.stage, to: stage },
          })
        }
        if (isFinalStage(stage)) await job.done(transaction)
        else await job.hold(transaction)
        return (await findRegistration(db, applicationId, from.rid)) as StoredRegistration
      }),

    enterGallery: (rid, tag, hasBiometrics) =>
      state.transaction(async ({ db }) => {
        // Places are given one after the other; SQLite has one writer.
        if (state.dialect === 'postgres') {
          const name = `identity-gallery:${applicationId}`
          await sql`select pg_advisory_xact_lock(hashtextextended(${name}, 0))`.execute(db)
        }
        const change = { demographic_tag: tag, biometrics: hasBiometrics ? 1 : 0 }
        const present = await db
          .updateTable('identity_gallery')
          .set(change)
          .where('application_id', '=', applicationId)
          .where('rid', '=', rid)
          .returning('position')
          .executeTakeFirst()
        if (present !== undefined) return { rid, position: present.position, hasBiometrics }
        const { last } = await db
          .selectFrom('identity_gallery')
          .select(({ fn }) => fn.max('position').as('last'))
          .where('application_id', '=', applicationId)
          .executeTakeFirstOrThrow()
        const position = last === null ? 0 : Number(last) + 1
        await db
          .insertInto('identity_gallery')
          .values({ application_id: applicationId, rid, position, ...change })
          .execute()
        return { rid, position, hasBiometrics }
      }),

    sameDemographics: (tag, before) => entries(state.db, applicationId, before, { tag }),
    earlier: async (rids, before) =>
      rids.length === 0 ? [] : entries(state.db, applicationId, before, { rids }),
  }
}

async function entries(
  db: Db,
  applicationId: string,
  before: number,
  which: { readonly tag: string } | { readonly rids: readonly string[] },
): Promise<readonly GalleryEntry[]> {
  let query = db
    .selectFrom('identity_gallery as g')
    .innerJoin('identity_registrations as r', (join) =>
      join.onRef('r.application_id', '=', 'g.application_id').onRef('r.rid', '=', 'g.rid'),
    )
    .select(['g.rid', 'g.position', 'g.biometrics', 'r.record'])
    .where('g.application_id', '=', applicationId)
    .where('g.position', '<', before)
    .where('r.stage', '!=', 'REJECTED')
  query =
    'tag' in which
      ? query.where('g.demographic_tag', '=', which.tag)
      : query.where('g.rid', 'in', [...which.rids])
  const rows = await query.orderBy('g.position').execute()
  return rows.map(({ biometrics, ...row }) => ({ ...row, hasBiometrics: biometrics === 1 }))
}
