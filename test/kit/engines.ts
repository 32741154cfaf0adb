import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Config } from '../../packages/server/src/platform/config/config.ts'
import { loadConfig } from '../../packages/server/src/platform/config/load-config.ts'
import type { Dialect } from '../../packages/server/src/platform/database/schema.ts'
import { openState } from '../../packages/server/src/platform/state/open-state.ts'
import type { OpenStateOptions, State } from '../../packages/server/src/platform/state/state.ts'
import { createMigratedDatabase, createMigratedFile } from './migrated-database.ts'
import { startPostgres } from './postgres.ts'

/** A database that every store test runs on: `describe.each(ENGINES)('$name', …)`. */
export interface Engine {
  readonly name: string
  readonly dialect: Dialect
}

export const ENGINES: readonly Engine[] = [
  { name: 'SQLite', dialect: 'sqlite' },
  { name: 'PostgreSQL', dialect: 'postgres' },
]

/** A database that nobody has used, with a data folder of its own. */
export interface StateFixture {
  readonly config: Config
  readonly folder: string
  /** `KEYHAVEN_*` variables for a process that shall use this database. */
  readonly env: Readonly<Record<string, string>>
  /** Opens the state; several times stands for several processes. Closed by {@link dispose} at the latest. */
  open(options?: OpenStateOptions): Promise<State>
  dispose(): Promise<void>
}

export async function createStateFixture(
  engine: Engine,
  extra: Readonly<Record<string, string>> = {},
  { migrated = true }: { readonly migrated?: boolean } = {},
): Promise<StateFixture> {
  const folder = await mkdtemp(join(tmpdir(), 'keyhaven-state-'))
  const postgres = async () =>
    migrated ? createMigratedDatabase() : (await startPostgres()).createDatabase()
  const database = engine.dialect === 'postgres' ? await postgres() : undefined
  if (migrated && database === undefined) await createMigratedFile(join(folder, 'data'))
  const env = {
    KEYHAVEN_DATA_DIR: join(folder, 'data'),
    KEYHAVEN_DATABASE_URL: database?.url ?? `sqlite:${join(folder, 'data', 'keyhaven.db')}`,
    ...extra,
  }
  const config = loadConfig(env)
  const opened: State[] = []
  return {
    config,
    folder,
    env,
    open: async (options) => {
      const state = await openState(config, options)
      opened.push(state)
      return state
    },
    dispose: async () => {
      for (const state of opened) await state.close()
      await database?.drop()
      await rm(folder, { recursive: true, force: true })
    },
  }
}
