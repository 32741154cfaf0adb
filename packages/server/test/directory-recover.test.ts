import { readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { StateFixture } from '../../../test/kit/engines.ts'
import { createStateFixture, ENGINES } from '../../../test/kit/engines.ts'
import { freePort } from '../../../test/kit/free-port.ts'
import { TEST_ENV } from '../../../test/kit/server-process.ts'
import { callAdmin } from '../../../test/kit/test-server.ts'
import { inspect } from '../src/maintenance/inspect.ts'
import { recover } from '../src/maintenance/recover.ts'
import { anchorFile } from '../src/platform/anchor/open-anchor.ts'
import { loadConfig } from '../src/platform/config/load-config.ts'
import { openDatabase } from '../src/platform/database/open-database.ts'
import type { Db } from '../src/platform/database/schema.ts'
import type { RunningServer } from '../src/serve.ts'
import { startServing } from '../src/serve.ts'
import type { DirectoryUser } from './fixtures/directory-user.ts'
import { enrollUser, newDevice } from './fixtures/directory-user.ts'
import { rememberDatabase } from './fixtures/roll-back.ts'

const APP = 'app'
const ROOT_BYTES = 32

describe.each(ENGINES)('a directory that was set back on $name', (engine) => {
  let fixture: StateFixture
  let config: ReturnType<typeof loadConfig>
  let server: RunningServer | undefined
  let alice: DirectoryUser
  let bob: DirectoryUser

  const start = async () => {
    server = await startServing(config, undefined)
    return server
  }
  const stop = async () => {
    await server?.close()
    server = undefined
  }
  const withDatabase = async <T>(work: (db: Db) => Promise<T>): Promise<T> => {
    const database = await openDatabase(config.database)
    try {
      return await work(database.db)
    } finally {
      await database.close()
    }
  }
  const rowsOf = (
    table: 'log_entries' | 'log_nodes' | 'directory_entries' | 'directory_users' | 'directory_devices',
  ) =>
    withDatabase(async (db) => {
      const rows = await db.selectFrom(table).selectAll().where('application_id', '=', APP).execute()
      return new Set(rows.map((row) => JSON.stringify(row)))
    })

  beforeEach(async () => {
    fixture = await createStateFixture(engine, { ...TEST_ENV, KEYHAVEN_PORT: String(await freePort()) })
    config = loadConfig(fixture.env)
    const running = await start()
    await callAdmin(running.adminUrl, 'POST', '/applications', { id: APP, suite: 'x25519' })
    alice = await enrollUser(running, APP, 'alice')
    bob = await enrollUser(running, APP, 'bob')
    await bob.client.lookUp('alice')
  })
  afterEach(async () => {
    await stop()
    await fixture.dispose()
  })

  /** @returns puts the database back to how it is now. */
  const remember = () => withDatabase((db) => rememberDatabase(db))

  /** After a recovery calls are refused for half a minute; here nobody repeats any. */
  const takeCallsAtOnce = () =>
    withDatabase(async (db) => {
      await db.updateTable('state_head').set({ restored_at: 0 }).execute()
      await db.deleteFrom('replay_store').execute()
    })

  const changeMuch = async () => {
    await alice.client.renew(await newDevice('phone', 'x-wing', alice.device.device))
    const carol = await enrollUser(server!, APP, 'carol')
    await bob.client.lookUp('alice')
    await bob.client.lookUp('carol')
    await callAdmin(
      server!.adminUrl,
      'POST',
      `/applications/${APP}/directory/users/carol/devices/${carol.device.device}/revoke`,
      { reason: 'stolen' },
    )
  }

  test('does not start; recover takes log and chains back from the files, so that nobody notices', async () => {
    const back = await remember()
    await changeMuch()
    await stop()
    const tables = [
      'log_entries',
      'log_nodes',
      'directory_entries',
      'directory_users',
      'directory_devices',
    ] as const
    const before = await Promise.all(tables.map(rowsOf))
    await withDatabase(back)
    await expect(startServing(config, undefined)).rejects.toMatchObject({ code: 'STATE_ROLLED_BACK' })
    const summary = await recover(config, { actor: 'cli:local' })
    expect(summary.logs).toMatchObject([
      { applicationId: APP, kept: 3, restored: 3, anchored: 6, whole: true },
    ])
    const after = await Promise.all(tables.map(rowsOf))
    for (const [at, name] of tables.entries()) {
      if (name !== 'directory_users' && name !== 'directory_devices') expect(after[at]).toEqual(before[at])
      expect(after[at]!.size).toBe(before[at]!.size)
    }
    await takeCallsAtOnce()
    const running = await start()
    const detail = (await callAdmin(running.adminUrl, 'GET', `/applications/${APP}/directory/users/carol`))
      .body
    expect(detail.devices).toMatchObject([{ status: 'revoked' }])
    expect(
      (await callAdmin(running.adminUrl, 'POST', `/applications/${APP}/directory/log/check`)).body,
    ).toMatchObject({
      valid: true,
      size: 6,
    })
    const found = await bob.client.lookUp('alice')
    expect(found.devices).toMatchObject([{ profile: 'x-wing' }])
    await enrollUser(running, APP, 'dave')
    expect((await bob.client.lookUp('dave')).sequence).toBe(0)
    expect((await bob.client.monitor()).hidden).toEqual([])
  })

  test('takes log and chains back from the files also where the anchor is lost', async () => {
    const back = await remember()
    await changeMuch()
    await stop()
    const before = await rowsOf('log_entries')
    await withDatabase(back)
    rmSync(anchorFile(config.masterKeyFile))
    const summary = await recover(config, { actor: 'cli:local' })
    expect(summary.difference).toBe('the rollback anchor is missing')
    expect(summary.logs).toMatchObject([{ applicationId: APP, kept: 3, restored: 3, whole: true }])
    expect(await rowsOf('log_entries')).toEqual(before)
    await takeCallsAtOnce()
    const running = await start()
    const { body } = await callAdmin(running.adminUrl, 'GET', `/applications/${APP}/directory/users/carol`)
    expect(body.devices).toMatchObject([{ status: 'revoked' }])
    expect((await bob.client.lookUp('alice')).devices).toMatchObject([{ profile: 'x-wing' }])
  })

  test('a log whose head alone was changed is found by an inspection', async () => {
    await stop()
    const anchor = async () => (await inspect(config)).find(({ part }) => part === 'anchor')
    expect(await anchor()).toMatchObject({
      state: 'good',
      detail: expect.stringMatching(/ logs as published$/),
    })
    const root = new Uint8Array(ROOT_BYTES)
    await withDatabase((db) =>
      db.updateTable('log_heads').set({ root }).where('application_id', '=', APP).execute(),
    )
    expect(await anchor()).toMatchObject({
      state: 'bad',
      code: 'STATE_ROLLED_BACK',
      detail: `the log of application ${APP} has other entries than were published`,
    })
  })

  test('without the files the log goes on shorter, and says so; its clients notice', async () => {
    const back = await remember()
    await changeMuch()
    await stop()
    await withDatabase(back)
    rmSync(config.directory.logDir, { recursive: true })
    const summary = await recover(config, { actor: 'cli:local' })
    expect(summary.logs).toMatchObject([{ kept: 3, restored: 0, anchored: 6, whole: false }])
    await takeCallsAtOnce()
    await start()
    expect(readdirSync(join(config.directory.logDir, APP))).toContain('tile')
    await expect(bob.client.lookUp('alice')).rejects.toMatchObject({
      code: expect.stringMatching(/^(LOG_INCONSISTENT|DIRECTORY_STALE)$/),
    })
  })
})
