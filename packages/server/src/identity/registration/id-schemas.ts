import { KeyhavenError } from '@keyhaven/crypto'
import { type IdSchema, parseIdSchema } from '@keyhaven/identity'
import type { SchemaDirectory } from '@keyhaven/identity/service'
import type { Actor } from '@keyhaven/keys'
import type { State } from '../../platform/state/state.ts'

/** A schema that is kept, without its text. */
export interface KeptSchema {
  readonly version: number
  /** How many it has. */
  readonly fields: number
  /** Milliseconds since the epoch. */
  readonly addedAt: number
  readonly addedBy: string
}

/** What packets must hold, by version: what operators add, and never change. */
export interface IdSchemas extends SchemaDirectory {
  /** By version. */
  list(): Promise<readonly KeptSchema[]>
  /**
   * Once one is kept, packets of other versions are rejected.
   *
   * @param json - MOSIP's ID schema.
   * @throws KeyhavenError `INPUT_INVALID` with the path; `CONFLICT` if this version is another one.
   */
  add(version: number, json: unknown, actor: Actor): Promise<KeptSchema>
}

export function createIdSchemas(state: State, applicationId: string): IdSchemas {
  const parsed = new Map<number, IdSchema>()
  const rows = () =>
    state.db.selectFrom('identity_schemas').selectAll().where('application_id', '=', applicationId)
  return {
    async find(version) {
      const known = parsed.get(version)
      if (known !== undefined) return known
      const row = await rows().where('version', '=', String(version)).executeTakeFirst()
      if (row === undefined) return undefined
      const schema = parseIdSchema(JSON.parse(row.schema), version)
      parsed.set(version, schema)
      return schema
    },

    isEmpty: async () => (await rows().select('version').limit(1).executeTakeFirst()) === undefined,

    async list() {
      const found = await rows().execute()
      return found
        .map(({ version, schema, added_at, added_by }) => ({
          ...{ version: Number(version), addedAt: added_at, addedBy: added_by },
          fields: parseIdSchema(JSON.parse(schema), Number(version)).fields.length,
        }))
        .sort((a, b) => a.version - b.version)
    },

    async add(version, json, actor) {
      const fields = parseIdSchema(json, version).fields.length
      const schema = JSON.stringify(json)
      return state.transaction(async (transaction) => {
        const { db, now } = transaction
        const own = { application_id: applicationId, version: String(version) }
        const { numInsertedOrUpdatedRows } = await db
          .insertInto('identity_schemas')
          .values({ ...own, schema, added_at: now, added_by: actor })
          .onConflict((conflict) => conflict.doNothing())
          .executeTakeFirst()
        if (numInsertedOrUpdatedRows === 1n) {
          state.audit.append(transaction, {
            ...{ actor, action: 'identity.schema.add', applicationId, subject: String(version) },
            detail: { fields },
          })
          return { version, fields, addedAt: now, addedBy: actor }
        }
        const present = await db
          .selectFrom('identity_schemas')
          .selectAll()
          .where((where) => where.and(own))
          .executeTakeFirstOrThrow()
        if (present.schema !== schema) {
          throw new KeyhavenError(
            'CONFLICT',
            `there is another schema of version ${version}: packets follow it, so give the new one a new version`,
          )
        }
        return { version, fields, addedAt: present.added_at, addedBy: present.added_by }
      })
    },
  }
}
