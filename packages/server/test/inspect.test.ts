import { existsSync, renameSync } from 'node:fs'
import { join } from 'node:path'
import { sql } from 'kysely'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { StateFixture } from '../../../test/kit/engines.ts'
import { createStateFixture, ENGINES } from '../../../test/kit/engines.ts'
import { inspect } from '../src/maintenance/inspect.ts'
import { anchorFile } from '../src/platform/anchor/open-anchor.ts'
import { MIGRATIONS, migrateDatabase } from '../src/platform/database/migrations.ts'
import { openDatabase } from '../src/platform/database/open-database.ts'
import type { State } from '../src/platform/state/state.ts'
import { rememberDatabase } from './fixtures/roll-back.ts'

const FAST = { kem: 'x25519', aead: 'aes-256-gcm' } as const
const BY = { actor: 'token:test' }

describe.each(ENGINES)('inspecting the state on $name', (engine) => {
  let fixture: StateFixture
  beforeEach(async () => {
    fixture = await createStateFixture(engine, {}, { migrated: false })
  })
  afterEach(() => fixture.dispose())

  const add = (state: State) => state.keys.addE2eKey({ applicationId: 'demo', suite: FAST }, BY)
  /** What was found, part by part. */
  const found = async () => {
    const findings = await inspect(fixture.config)
    return Object.fromEntries(findings.map(({ part, ...rest }) => [part, rest]))
  }
  /** Changes the database behind the server's back. */
  const meddle = async (work: (db: State['db']) => Promise<unknown>): Promise<void> => {
    const database = await openDatabase(fixture.config.database)
    await work(database.db).finally(() => database.close())
  }

  test('before the first start nothing is wrong, and nothing is made', async () => {
    for (const finding of await inspect(fixture.config)) expect(finding.state).not.toBe('bad')
    expect(existsSync(fixture.config.masterKeyFile)).toBe(false)
    expect(existsSync(anchorFile(fixture.config.masterKeyFile))).toBe(false)
  })

  test('finds everything good, also beside a running server', async () => {
    await add(await fixture.open({ schedule: false }))
    const progress: number[] = []
    const findings = await inspect(fixture.config, { onProgress: (done) => progress.push(done) })
    expect(findings.map(({ part, state }) => [part, state])).toEqual([
      ['database', 'good'],
      ['schema', 'good'],
      ['master key', 'good'],
      ['anchor', 'good'],
      ['audit log', 'good'],
    ])
    expect(progress.at(-1)).toBeGreaterThan(0)
  })

  test('finds a database behind its anchor, and a missing anchor', async () => {
    const state = await fixture.open({ schedule: false })
    await add(state)
    const back = await rememberDatabase(state.db)
    await add(state)
    await state.close()
    await meddle(back)
    expect((await found()).anchor).toMatchObject({ state: 'bad', code: 'STATE_ROLLED_BACK' })
    renameSync(anchorFile(fixture.config.masterKeyFile), join(fixture.folder, 'elsewhere.db'))
    expect((await found()).anchor).toMatchObject({ state: 'bad', code: 'STATE_ROLLED_BACK' })
    expect(existsSync(anchorFile(fixture.config.masterKeyFile))).toBe(false)
  })

  test("finds a missing master key, and another installation's", async () => {
    const state = await fixture.open({ schedule: false })
    await add(state)
    await state.close()
    const { masterKeyFile } = fixture.config
    renameSync(masterKeyFile, join(fixture.folder, 'mine'))
    expect((await found())['master key']).toMatchObject({ state: 'bad', code: 'CONFIG_INVALID' })
    const other = await createStateFixture(ENGINES[0]!)
    await (await other.open({ schedule: false })).close()
    renameSync(other.config.masterKeyFile, masterKeyFile)
    await other.dispose()
    expect((await found())['master key']).toMatchObject({
      state: 'bad',
      detail: expect.stringContaining("another installation's"),
    })
  })

  test('finds a changed audit entry', async () => {
    const state = await fixture.open({ schedule: false })
    await add(state)
    await state.close()
    await meddle((db) =>
      db.updateTable('audit_entries').set({ actor: 'token:nobody' }).where('sequence', '=', 1).execute(),
    )
    expect((await found())['audit log']).toMatchObject({
      state: 'bad',
      detail: expect.stringContaining('at entry 1'),
    })
  })

  test('finds an older schema without migrating it, and a newer one', async () => {
    const names = Object.keys(MIGRATIONS)
    await meddle((db) => migrateDatabase(db, names.slice(0, -1)))
    for (const _again of [1, 2]) {
      expect((await found()).schema).toEqual({ state: 'old', detail: '1 migrations to apply' })
    }
    await meddle(async (db) => {
      await migrateDatabase(db)
      await sql`insert into kysely_migration (name, timestamp) values ('9999-later', '2030')`.execute(db)
    })
    expect(await found()).toMatchObject({ schema: { state: 'bad', code: 'UNSUPPORTED' } })
  })
})

test('a database that cannot be reached', async () => {
  const fixture = await createStateFixture(ENGINES[0]!, {
    KEYHAVEN_DATABASE_URL: 'postgres://nobody:x@127.0.0.1:9/none',
  })
  try {
    const [database, ...more] = await inspect(fixture.config)
    expect(database).toMatchObject({ part: 'database', state: 'bad', code: 'STORE_UNAVAILABLE' })
    expect(more).toEqual([])
  } finally {
    await fixture.dispose()
  }
})
