import type { HpkeSuite } from '@keyhaven/crypto'
import { KeyhavenError } from '@keyhaven/crypto'
import type { Actor } from '@keyhaven/keys'
import { DEFAULT_SUITE } from '@keyhaven/keys'
import { beginTrust } from '../channel/trust.ts'
import { decodeCursor, encodeCursor } from '../platform/http/page-cursor.ts'
import type { State } from '../platform/state/state.ts'
import type { Application, NewApplication } from './application.ts'
import { ADMIN_APPLICATION_ID, DEMO_APPLICATION_ID, requireFreeId, suiteText } from './application.ts'
import { readApplications } from './application-store.ts'

export interface ApplicationPage {
  readonly items: readonly Application[]
  readonly nextCursor: string | null
}

export interface ApplicationService {
  /** With its first key, active at once. @throws KeyhavenError `CONFLICT`, `INPUT_INVALID`. */
  create(input: NewApplication, actor: Actor): Promise<Application>
  /** @throws KeyhavenError `NOT_FOUND`. */
  get(id: string): Promise<Application>
  /** By id. `q` is looked for in id and name. */
  list(page: { cursor?: string | undefined; limit: number; q?: string | undefined }): Promise<ApplicationPage>
  /** Makes the demo application and that of the admin API if they are not there. */
  ensureFirstStart(): Promise<void>
  /** The id that `/.well-known/ohttp-gateway` serves. */
  defaultId(): Promise<string | undefined>
}

/** Tenants: making and reading them. */
export function createApplicationService(state: State): ApplicationService {
  const insert = (input: NewApplication, actor: Actor, flags: { isDefault: boolean; isSystem: boolean }) =>
    state.transaction(async (transaction) => {
      const { id, suite = DEFAULT_SUITE } = input
      const taken = await transaction.db
        .selectFrom('applications')
        .select('id')
        .where('id', '=', id)
        .executeTakeFirst()
      if (taken) throw new KeyhavenError('CONFLICT', `id: an application "${id}" exists already`)
      await transaction.db
        .insertInto('applications')
        .values({
          id,
          name: input.name ?? id,
          created_at: transaction.now,
          is_default: flags.isDefault ? 1 : 0,
          is_system: flags.isSystem ? 1 : 0,
          default_suite: suiteText(suite),
          trust_mode: 'online',
          root_thumbprints: '[]',
        })
        .execute()
      const trust = await beginTrust(state, transaction, id, input.rootThumbprints)
      await transaction.db
        .updateTable('applications')
        .set({ trust_mode: trust.mode, root_thumbprints: JSON.stringify(trust.rootThumbprints) })
        .where('id', '=', id)
        .execute()
      await state.keys.addE2eKey({ applicationId: id, suite }, { actor, transaction })
      transaction.changed(id)
      state.audit.append(transaction, {
        actor,
        action: 'application.create',
        applicationId: id,
        detail: { name: input.name ?? id, trust: trust.mode, suite: suiteText(suite) },
      })
    })

  const get = async (id: string): Promise<Application> => {
    const [application] = await readApplications(state.db, { ids: [id] })
    if (!application) throw new KeyhavenError('NOT_FOUND', 'there is no such application')
    return application
  }

  const exists = async (id: string): Promise<boolean> =>
    (await state.db.selectFrom('applications').select('id').where('id', '=', id).executeTakeFirst()) !==
    undefined

  /** Another process may make it at the same moment: then it is there, which is all we want. */
  const ensure = async (input: NewApplication, flags: { isDefault: boolean; isSystem: boolean }) => {
    if (await exists(input.id)) return
    try {
      await insert(input, 'system', flags)
    } catch (error) {
      if (!(await exists(input.id))) throw error
    }
  }

  return {
    async create(input, actor) {
      requireFreeId(input.id)
      await insert(input, actor, { isDefault: false, isSystem: false })
      return get(input.id)
    },
    get,
    async list({ cursor, limit, q }) {
      const after = cursor === undefined ? undefined : decodeCursor(cursor, 'text')[0]
      const items = await readApplications(state.db, { after, q, limit: limit + 1 })
      const page = items.slice(0, limit)
      return { items: page, nextCursor: items.length > limit ? encodeCursor([page.at(-1)!.id]) : null }
    },
    async ensureFirstStart() {
      const any = await state.db
        .selectFrom('applications')
        .select('id')
        .where('is_system', '=', 0)
        .limit(1)
        .execute()
      if (any.length === 0) {
        await ensure({ id: DEMO_APPLICATION_ID, name: 'Demo' }, { isDefault: true, isSystem: false })
      }
      const suite: HpkeSuite = DEFAULT_SUITE
      await ensure(
        { id: ADMIN_APPLICATION_ID, name: 'Admin API', suite },
        { isDefault: false, isSystem: true },
      )
    },
    async defaultId() {
      const row = await state.db
        .selectFrom('applications')
        .select('id')
        .where('is_default', '=', 1)
        .orderBy('created_at')
        .executeTakeFirst()
      return row?.id
    },
  }
}
