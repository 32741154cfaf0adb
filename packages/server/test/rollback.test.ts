import { existsSync, renameSync, rmSync } from 'node:fs'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { StateFixture } from '../../../test/kit/engines.ts'
import { createStateFixture, ENGINES } from '../../../test/kit/engines.ts'
import { lockDatabase } from '../src/data-lock.ts'
import { backup } from '../src/maintenance/backup.ts'
import { recover } from '../src/maintenance/recover.ts'
import { restore } from '../src/maintenance/restore.ts'
import { anchorFile, openAnchor } from '../src/platform/anchor/open-anchor.ts'
import { createSessionStore } from '../src/platform/auth/session-store.ts'
import { createTokenStore } from '../src/platform/auth/token-store.ts'
import { openDatabase } from '../src/platform/database/open-database.ts'
import type { State } from '../src/platform/state/state.ts'
import { rememberDatabase } from './fixtures/roll-back.ts'

const FAST = { kem: 'x25519', aead: 'aes-256-gcm' } as const
const BY = { actor: 'token:test' }
const ROLLED_BACK = { code: 'STATE_ROLLED_BACK' }

describe.each(ENGINES)('a rolled back $name', (engine) => {
  let fixture: StateFixture
  let state: State
  beforeEach(async () => {
    fixture = await createStateFixture(engine)
    state = await open()
  })
  afterEach(() => fixture.dispose())

  const open = () => fixture.open({ schedule: false })
  const add = (from: State) => from.keys.addE2eKey({ applicationId: 'demo', suite: FAST }, BY)
  const publish = (from: State) => from.transaction((transaction) => from.manifests.next('demo', transaction))
  const runRecover = () => recover(fixture.config, { actor: 'cli:local' })
  /** Stops the server, changes the database behind its back, as an operator with an old copy does. */
  const offline = async (work: (db: State['db']) => Promise<unknown>): Promise<void> => {
    await state.close()
    const database = await openDatabase(fixture.config.database)
    await work(database.db)
    await database.close()
  }

  test('does not start, and after recover the revoked key stays revoked', async () => {
    const stolen = await add(state)
    const kept = await add(state)
    await publish(state)
    const back = await rememberDatabase(state.db)
    await publish(state)
    await state.keys.revoke('demo', stolen.id, { reason: 'stolen', force: true }, BY)
    await add(state)
    await offline(back)

    await expect(open()).rejects.toMatchObject(ROLLED_BACK)
    await expect(open()).rejects.toThrow(/keyhaven recover/)
    const summary = await runRecover()
    expect(summary).toMatchObject({
      recovered: true,
      revokedAgain: [{ id: stolen.id, applicationId: 'demo' }],
      epochsRaised: 1,
      missingAuditEntries: 3,
    })

    state = await open()
    expect(await state.keyCache.find('demo', stolen.keyId)).toMatchObject({ state: 'revoked' })
    const row = await state.db
      .selectFrom('managed_keys')
      .selectAll()
      .where('id', '=', stolen.id)
      .executeTakeFirst()
    expect(row).toMatchObject({ state: 'revoked', wrapped_private_key: null, master_key_id: null })
    expect(await state.keyCache.find('demo', kept.keyId)).toMatchObject({ privateKey: {} })
    expect(await state.manifests.get('demo')).toEqual({ epoch: 2, sequence: 0 })
    const verdict = await state.audit.verify()
    expect(verdict).toMatchObject({ valid: true })
    const entry = (await state.audit.list({ action: 'state.recover' })).items[0]
    expect(entry).toMatchObject({ actor: 'cli:local', detail: { revokedAgain: 1 } })
    const { missingFrom, missingTo } = (entry?.detail ?? {}) as { missingFrom: number; missingTo: number }
    expect(missingTo - missingFrom + 1).toBe(3)
    expect(entry?.sequence).toBe(missingTo + 1)
    expect(state.restoredAt).toBeGreaterThan(0)
    await add(state)
    await state.close()
    state = await open() // and the next start needs no recovery
  })

  test('after recover a deleted API token stays deleted, and all sessions have ended', async () => {
    const tokens = createTokenStore(state, 'the fixed admin token', Date.now)
    const make = (name: string) => tokens.create({ name, roles: ['admin'], expiresAt: null }, BY.actor)
    const [leaked, kept] = [await make('leaked'), await make('kept')]
    const sessions = createSessionStore(state, Date.now)
    const cookie = await sessions.create({ actor: 'token:leaked', roles: ['admin'], method: 'token' })
    const back = await rememberDatabase(state.db)
    await tokens.delete(leaked.item.id, BY.actor)
    await offline(back)
    await runRecover()
    state = await open()
    const after = createTokenStore(state, 'the fixed admin token', Date.now)
    expect(await after.verify(leaked.token)).toBeUndefined()
    expect(await after.verify(kept.token)).toMatchObject({ actor: 'token:kept' })
    expect(await createSessionStore(state, Date.now).verify(cookie)).toBeUndefined()
    expect((await state.audit.list({ action: 'token.delete' })).items).toMatchObject([
      { actor: 'cli:local', subject: leaked.item.id },
    ])
  })

  test('recover changes nothing where nothing was rolled back', async () => {
    await add(state)
    await state.close()
    expect(await runRecover()).toMatchObject({ recovered: false, epochsRaised: 0 })
    state = await open()
    expect((await state.audit.list({ action: 'state.recover' })).items).toEqual([])
  })

  test('a second rollback and recovery takes a newer epoch again', async () => {
    await add(state)
    await publish(state)
    const back = await rememberDatabase(state.db)
    await add(state)
    for (const epoch of [2, 3]) {
      await offline(back)
      await runRecover()
      state = await open()
      expect(await state.manifests.get('demo')).toEqual({ epoch, sequence: 0 })
    }
  })

  test('a manifest position alone that went back is noticed', async () => {
    await add(state)
    const back = await rememberDatabase(state.db)
    await publish(state)
    await offline(back)
    await expect(open()).rejects.toMatchObject(ROLLED_BACK)
  })

  test('an emptied database is noticed', async () => {
    await add(state)
    await offline(async (db) => {
      await db.deleteFrom('managed_keys').execute()
      await db.deleteFrom('audit_entries').execute()
      await db
        .updateTable('state_head')
        .set({ version: 0, audit_sequence: 0, audit_hash: new Uint8Array(32) })
        .execute()
    })
    await expect(open()).rejects.toMatchObject(ROLLED_BACK)
  })

  test('a rewritten audit log of the same length is noticed', async () => {
    await add(state)
    await offline((db) =>
      db
        .updateTable('audit_entries')
        .set({ hash: new Uint8Array(32).fill(7) })
        .execute(),
    )
    await expect(open()).rejects.toMatchObject(ROLLED_BACK)
    expect(await runRecover()).toMatchObject({ recovered: true, missingAuditEntries: null })
  })

  test.each(['beside', 'away from'])('a restore %s the anchor hides no lost audit entry', async (place) => {
    await add(state)
    const file = `${fixture.folder}/one.backup`
    await backup(fixture.config, { file })
    await add(state)
    await add(state)
    await add(state)
    await state.close()
    const anchor = anchorFile(fixture.config.masterKeyFile)
    // Away from it, the restore's own entry gets the number of a lost one.
    if (place !== 'beside') renameSync(anchor, `${anchor}.away`)
    await restore(fixture.config, { file, actor: 'cli:local', force: true })
    if (place !== 'beside') renameSync(`${anchor}.away`, anchor)
    expect(await runRecover()).toMatchObject({ recovered: true, missingAuditEntries: 3 })
    state = await open()
    const { items } = await state.audit.list({ action: 'state.recover' })
    expect(items[0]?.detail).toMatchObject({ missingAuditEntries: 3 })
    expect(await state.audit.verify()).toMatchObject({ valid: true })
  })

  test('an application that has published no manifest keeps its epoch', async () => {
    await add(state)
    const back = await rememberDatabase(state.db)
    await add(state)
    await offline(back)
    expect(await runRecover()).toMatchObject({ recovered: true, epochsRaised: 0, missingAuditEntries: 1 })
    state = await open()
    expect((await state.manifests.get('demo')).epoch).toBe(1)
  })

  test('a missing anchor is not taken for a new installation', async () => {
    await add(state)
    await state.close()
    const file = anchorFile(fixture.config.masterKeyFile)
    for (const suffix of ['', '-wal', '-shm']) rmSync(file + suffix, { force: true })
    await expect(open()).rejects.toMatchObject(ROLLED_BACK)
    expect(await runRecover()).toMatchObject({ recovered: true, missingAuditEntries: null })
    state = await open()
    expect(await state.audit.verify()).toMatchObject({ valid: true })
    const { items } = await state.audit.list({ action: 'state.recover' })
    expect(items[0]?.detail).toMatchObject({ missingAuditEntries: 'not known' })
  })

  test('a crash between commit and anchor is no rollback, and the anchor catches up', async () => {
    const key = await add(state)
    const anchor = fixture.config.masterKeyFile
    const file = anchorFile(anchor)
    await state.close()
    const copy = `${file}.before`
    renameSync(file, copy)
    for (const suffix of ['-wal', '-shm']) if (existsSync(file + suffix)) rmSync(file + suffix)
    const before = openAnchor(copy)
    expect(before.head()?.auditHead.sequence).toBe(2)
    before.close()
    const other = openAnchor(file)
    other.advance(before.head === undefined ? '' : await installationOf(), {
      version: 0,
      auditHead: { sequence: 0, hash: new Uint8Array(32) },
      revoked: [],
      manifests: [],
    })
    other.close()
    state = await open()
    await state.keys.revoke('demo', key.id, { reason: 'test', force: true }, BY)
    expect(state.anchor.head()?.auditHead.sequence).toBe(3)
    expect([...state.anchor.revokedKeys()]).toEqual([{ id: key.id, applicationId: 'demo' }])
  })

  test('an anchor of another machine learns of revocations and manifests made here', async () => {
    const elsewhere = await fixture.open({ schedule: false })
    const key = await add(state)
    await publish(state)
    await state.keys.revoke('demo', key.id, { reason: 'test', force: true }, BY)
    // As that machine's anchor: behind by everything.
    const { absorbState } = await import('../src/platform/anchor/absorb-state.ts')
    const anchor = openAnchor(`${fixture.folder}/elsewhere.db`)
    anchor.advance(await installationOf(), {
      version: 0,
      auditHead: { sequence: 0, hash: new Uint8Array(32) },
      revoked: [],
      manifests: [],
    })
    await absorbState(elsewhere.db, anchor)
    expect([...anchor.revokedKeys()]).toEqual([{ id: key.id, applicationId: 'demo' }])
    expect([...anchor.manifests()]).toEqual([{ applicationId: 'demo', epoch: 1, sequence: 1 }])
    expect(anchor.head()).toMatchObject({ version: 3, auditHead: { sequence: 3 } })
    anchor.close()
  })

  test('database and anchor set back together go unnoticed, as docs/operations.md says', async () => {
    const key = await add(state)
    const back = await rememberDatabase(state.db)
    await state.close()
    const file = anchorFile(fixture.config.masterKeyFile)
    const { copyFileSync } = await import('node:fs')
    copyFileSync(file, `${file}.old`)
    state = await open()
    await state.keys.revoke('demo', key.id, { reason: 'test', force: true }, BY)
    await offline(back)
    for (const suffix of ['-wal', '-shm']) rmSync(file + suffix, { force: true })
    renameSync(`${file}.old`, file)
    state = await open()
    expect(await state.keyCache.find('demo', key.keyId)).toMatchObject({ state: 'active' })
  })

  async function installationOf(): Promise<string> {
    const database = await openDatabase(fixture.config.database)
    const row = await database.db.selectFrom('state_head').select('installation').executeTakeFirstOrThrow()
    await database.close()
    return row.installation
  }
})

test('neither recover nor restore works beside a running server on SQLite', async () => {
  const fixture = await createStateFixture(ENGINES[0]!)
  const { config } = fixture
  await (await fixture.open({ schedule: false })).close()
  const file = `${fixture.folder}/one.backup`
  await backup(config, { file })
  const by = { actor: 'cli:local' }
  const lock = lockDatabase(config.database, 'shared')
  const stopFirst = {
    code: 'CONFIG_INVALID',
    message: expect.stringMatching(/^a server uses .*: stop it first/),
  }
  await expect(recover(config, by)).rejects.toMatchObject(stopFirst)
  await expect(restore(config, { ...by, file, force: true })).rejects.toMatchObject(stopFirst)
  lock?.release()
  await restore(config, { ...by, file, force: true })
  await recover(config, by)
  await fixture.dispose()
})
