import type { KeyPolicies } from '@keyhaven/identity/service'
import type { State } from '../../platform/state/state.ts'

/** MOSIP's `key_policy`: which callers may decrypt and sign with the keys of an application id. */
export interface ManagedKeyPolicies extends KeyPolicies {
  /** The callers named for each application id; one that is not listed lets every service. */
  list(): Promise<ReadonlyMap<string, readonly string[]>>
  /** @param actors - as the audit log names them: `token:NAME`. None: every service again. */
  set(appId: string, actors: readonly string[], actor: string): Promise<void>
}

export function createKeyPolicies(state: State, applicationId: string): ManagedKeyPolicies {
  let known: Promise<ReadonlyMap<string, readonly string[]>> | undefined
  state.changes.onChange((changed) => {
    if (changed === undefined || changed === applicationId) known = undefined
  })

  const read = async (): Promise<ReadonlyMap<string, readonly string[]>> => {
    const rows = await state.db
      .selectFrom('identity_key_policies')
      .select(['app_id', 'actor'])
      .where('application_id', '=', applicationId)
      .orderBy('app_id')
      .orderBy('actor')
      .execute()
    return new Map(
      Object.entries(Object.groupBy(rows, (row) => row.app_id)).map(([appId, found]) => [
        appId,
        (found ?? []).map((row) => row.actor),
      ]),
    )
  }

  const list = (): Promise<ReadonlyMap<string, readonly string[]>> => {
    if (known === undefined) {
      const reading = read()
      known = reading
      reading.catch(() => {
        if (known === reading) known = undefined
      })
    }
    return known
  }

  return {
    allows: async (appId, actor) => {
      // Another process may have just taken the right away.
      await state.changes.confirmFresh()
      const named = (await list()).get(appId)
      return named === undefined || named.includes(actor)
    },
    list,
    set: (appId, actors, actor) =>
      state.transaction(async (transaction) => {
        await transaction.db
          .deleteFrom('identity_key_policies')
          .where('application_id', '=', applicationId)
          .where('app_id', '=', appId)
          .execute()
        const rows = [...new Set(actors)].map((named) => ({
          application_id: applicationId,
          app_id: appId,
          actor: named,
        }))
        if (rows.length > 0) {
          await transaction.db.insertInto('identity_key_policies').values(rows).execute()
        }
        state.audit.append(transaction, {
          actor,
          action: 'identity.key.policy',
          applicationId,
          subject: appId,
          detail: { actors: [...actors] },
        })
        transaction.changed(applicationId)
      }),
  }
}
