import { sql } from 'kysely'
import type { DbTransaction } from '../platform/database/schema.ts'
import type { LastCall, LeftOut } from './usage-counter.ts'
import { hourOf } from './usage-counter.ts'
import { slices, sorted } from './usage-rows.ts'

/** What one application's clients did within one hour. */
interface ApplicationHour {
  readonly applicationId: string
  readonly hour: number
  readonly calls: LastCall[]
  leftOut: number
}

/**
 * Keeps the calls of known installations, and of new ones as many as their application may still have in
 * their hour.
 *
 * @returns those calls, and how many installations were left out.
 */
export async function admitInstallations(
  db: DbTransaction,
  lastCalls: readonly LastCall[],
  alreadyLeftOut: readonly LeftOut[],
  maxNewPerHour: number,
): Promise<{ readonly lastCalls: readonly LastCall[]; readonly leftOut: number }> {
  const admitted: LastCall[] = []
  let leftOut = 0
  for (const group of byApplicationAndHour(lastCalls, alreadyLeftOut)) {
    const { applicationId, hour, calls } = group
    const known = await knownInstallations(db, applicationId, calls)
    const fresh: LastCall[] = []
    for (const call of calls) (known.has(call.installationId) ? admitted : fresh).push(call)
    if (fresh.length + group.leftOut === 0) continue
    const room = Math.max(0, maxNewPerHour - (await lockAdded(db, applicationId, hour)))
    const entering = fresh.slice(0, room) // the earliest
    const out = fresh.length - entering.length + group.leftOut
    for (const call of entering) admitted.push(call)
    leftOut += out
    await db
      .updateTable('installation_hours')
      .set({
        added: sql<number>`added + ${entering.length}`,
        left_out: sql<number>`left_out + ${out}`,
      })
      .where('application_id', '=', applicationId)
      .where('hour', '=', hour)
      .execute()
  }
  return { lastCalls: admitted, leftOut }
}

/** In one order everywhere, so that two processes never wait for each other's rows. */
function byApplicationAndHour(
  lastCalls: readonly LastCall[],
  alreadyLeftOut: readonly LeftOut[],
): ApplicationHour[] {
  const groups = new Map<string, ApplicationHour>()
  const groupOf = (applicationId: string, hour: number): ApplicationHour => {
    const name = `${applicationId} ${hour}`
    const group = groups.get(name) ?? { applicationId, hour, calls: [], leftOut: 0 }
    groups.set(name, group)
    return group
  }
  for (const call of lastCalls) groupOf(call.applicationId, hourOf(call.at)).calls.push(call)
  for (const row of alreadyLeftOut) groupOf(row.applicationId, row.hour).leftOut += row.installations
  return sorted([...groups.values()], (group) => `${group.applicationId} ${group.hour}`)
}

async function knownInstallations(
  db: DbTransaction,
  applicationId: string,
  calls: readonly LastCall[],
): Promise<ReadonlySet<string>> {
  const known = new Set<string>()
  for (const some of slices(calls)) {
    const ids = some.map((call) => call.installationId)
    const rows = await db
      .selectFrom('installations')
      .select('installation_id')
      .where('application_id', '=', applicationId)
      .where('installation_id', 'in', ids)
      .execute()
    for (const row of rows) known.add(row.installation_id)
  }
  return known
}

/** How many were added in this hour so far; no other process adds to it until this transaction ends. */
async function lockAdded(db: DbTransaction, applicationId: string, hour: number): Promise<number> {
  const { added } = await db
    .insertInto('installation_hours')
    .values({ application_id: applicationId, hour, added: 0, left_out: 0 })
    .onConflict((conflict) =>
      conflict
        .columns(['application_id', 'hour'])
        .doUpdateSet({ added: sql<number>`installation_hours.added` }),
    )
    .returning('added')
    .executeTakeFirstOrThrow()
  return added
}
