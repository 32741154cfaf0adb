import { keyNameText, type Profile } from '@keyhaven/identity'
import type { IdentityKeyRecord, IdentityKeyStore } from '@keyhaven/identity/service'
import { type Selectable, sql } from 'kysely'
import type { State } from '../../platform/state/state.ts'
import type { IdentityKeysTable } from './tables.ts'

/** Certificates and wrapped private parts of one application and profile, in the database. */
export function createIdentityKeyStore(
  state: State,
  applicationId: string,
  profile: Profile,
): IdentityKeyStore {
  const table = `identity_keys_${profile}` as const
  return {
    find: async ({ appId, refId }) => {
      const rows = await state.db
        .selectFrom(table)
        .selectAll()
        .where('application_id', '=', applicationId)
        .where('app_id', '=', appId)
        .where('ref_id', '=', refId)
        .orderBy('generation', 'desc')
        .execute()
      return rows.map(toRecord)
    },

    list: async ({ after, limit }) => {
      const rows = await state.db
        .selectFrom(`${table} as key`)
        .select(['app_id', 'ref_id', 'generation', 'thumbprint', 'created_at', 'not_after'])
        .select(({ selectFrom }) =>
          selectFrom(`${table} as other`)
            .select(({ fn }) => fn.max('other.generation').as('newest'))
            .whereRef('other.application_id', '=', 'key.application_id')
            .whereRef('other.app_id', '=', 'key.app_id')
            .whereRef('other.ref_id', '=', 'key.ref_id')
            .as('newest'),
        )
        .where('application_id', '=', applicationId)
        .$if(after !== undefined, (query) =>
          query.where(
            sql<boolean>`(app_id, ref_id, generation)
              > (${after?.name.appId}, ${after?.name.refId}, cast(${after?.generation} as bigint))`,
          ),
        )
        .orderBy('app_id')
        .orderBy('ref_id')
        .orderBy('generation')
        .limit(limit)
        .execute()
      return rows.map((row) => ({
        name: { appId: row.app_id, refId: row.ref_id },
        generation: row.generation,
        thumbprint: row.thumbprint,
        createdAt: row.created_at,
        notAfter: row.not_after,
        newest: row.generation === Number(row.newest),
      }))
    },

    ending: async (notAfter) => {
      const rows = await state.db
        .selectFrom(table)
        .select(['app_id', 'ref_id'])
        .where('application_id', '=', applicationId)
        .groupBy(['app_id', 'ref_id'])
        .having(({ fn }) => fn.max('not_after'), '<=', notAfter)
        .execute()
      return rows.map((row) => ({ appId: row.app_id, refId: row.ref_id }))
    },

    add: (record, actor) =>
      state.transaction(async (transaction) => {
        const { name, generation } = record
        const { numInsertedOrUpdatedRows } = await transaction.db
          .insertInto(table)
          .values(toRow(applicationId, record))
          .onConflict((conflict) => conflict.doNothing())
          .executeTakeFirstOrThrow()
        if (numInsertedOrUpdatedRows === 1n) {
          state.audit.append(transaction, {
            actor,
            action: 'identity.key.add',
            applicationId,
            subject: keyNameText(name),
            detail: { generation, profile, thumbprint: record.thumbprint },
          })
          transaction.changed(applicationId)
          return record
        }
        const row = await transaction.db
          .selectFrom(table)
          .selectAll()
          .where('application_id', '=', applicationId)
          .where('app_id', '=', name.appId)
          .where('ref_id', '=', name.refId)
          .where('generation', '=', generation)
          .executeTakeFirstOrThrow()
        return toRecord(row)
      }),

    onChange: (listener) => {
      state.changes.onChange((changed) => {
        if (changed === undefined || changed === applicationId) listener()
      })
    },
  }
}

function toRow(applicationId: string, record: IdentityKeyRecord): IdentityKeysTable {
  return {
    application_id: applicationId,
    app_id: record.name.appId,
    ref_id: record.name.refId,
    generation: record.generation,
    thumbprint: record.thumbprint,
    certificate: record.certificate,
    parent_generation: record.parentGeneration ?? null,
    private_key: record.wrapped ?? null,
    created_at: record.createdAt,
    not_after: record.notAfter,
  }
}

function toRecord(row: Selectable<IdentityKeysTable>): IdentityKeyRecord {
  return {
    name: { appId: row.app_id, refId: row.ref_id },
    generation: row.generation,
    certificate: Uint8Array.from(row.certificate),
    thumbprint: row.thumbprint,
    parentGeneration: row.parent_generation ?? undefined,
    wrapped: row.private_key ?? undefined,
    createdAt: row.created_at,
    notAfter: row.not_after,
  }
}
