import { createHash } from 'node:crypto'
import { appendFileSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { backend } from '@keyhaven/crypto'
import {
  auditLog,
  decodeEntryBundle,
  decodeLeaf,
  decodeTile,
  encodeLeaf,
  entryTiles,
  importLogTrust,
  leafHash,
  openCheckpoint,
  parseTilePath,
  tilePath,
  verifyConsistency,
  verifyInclusion,
} from '@keyhaven/directory/log'
import { sql } from 'kysely'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { StateFixture } from '../../../test/kit/engines.ts'
import { createStateFixture, ENGINES } from '../../../test/kit/engines.ts'
import { createApplicationService } from '../src/applications/application-service.ts'
import { checkLog } from '../src/directory/log/check-log.ts'
import type { DirectoryLog } from '../src/directory/log/directory-log.ts'
import { createDirectoryLog } from '../src/directory/log/directory-log.ts'
import { readLogFiles } from '../src/directory/log/log-files.ts'
import { serveLog } from '../src/directory/log/log-routes.ts'
import { openDatabase } from '../src/platform/database/open-database.ts'
import type { State } from '../src/platform/state/state.ts'
import { rememberDatabase } from './fixtures/roll-back.ts'

const APP = 'demo'
const HOUR_SECONDS = 3_600

describe.each(ENGINES)('the log on $name', (engine) => {
  let fixture: StateFixture
  let state: State
  let log: DirectoryLog
  let now: number
  const clock = () => now
  const opened: DirectoryLog[] = []

  beforeEach(async () => {
    now = Date.now()
    fixture = await createStateFixture(engine)
    state = await open()
    await createApplicationService(state).ensureFirstStart()
    log = logOf(state)
    await log.ensure(APP)
  })
  afterEach(async () => {
    for (const one of opened.splice(0)) await one.close()
    await fixture.dispose()
  })

  const open = () => fixture.open({ schedule: false, clock })
  const logOf = (of: State): DirectoryLog => {
    const made = createDirectoryLog(of, clock, (error) => {
      throw error
    })
    opened.push(made)
    return made
  }
  const leaf = (n: number) =>
    encodeLeaf({ kind: 'commitment', commitment: createHash('sha256').update(String(n)).digest() })
  const append = async (
    numbers: readonly number[],
    to: State = state,
    by: DirectoryLog = log,
  ): Promise<number> => {
    const keys = await by.keys(APP)
    const index = await to.transaction(async (transaction) => {
      let first: number | undefined
      for (const n of numbers) {
        const at = await by.append(transaction, APP, keys, [leaf(n)])
        first ??= at
      }
      to.audit.append(transaction, { actor: 'system', action: 'test.append', applicationId: APP })
      return first ?? -1
    })
    await by.files.catchUp(APP)
    return index
  }
  const trust = async () => importLogTrust(backend, { log: (await log.keys(APP)).verifierKey })
  const fromFiles = async () => {
    const leaves: Uint8Array[] = []
    for await (const bundle of readLogFiles(fixture.config.directory.logDir, APP, undefined))
      leaves.push(...bundle)
    return leaves
  }

  test('begins with the parameters, and is made once by two at the same time', async () => {
    await createApplicationService(state).create({ id: 'app' }, 'token:test')
    const other = await open()
    const [one, two] = await Promise.all([log.ensure('app'), logOf(other).ensure('app')])
    expect(one.verifierKey).toBe(two.verifierKey)
    const [first] = await log.leaves('app', 0, 1)
    expect(decodeLeaf(first!)).toMatchObject({ kind: 'parameters', application: 'app', origin: one.origin })
    expect((await log.head('app')).size).toBe(1)
    expect(await state.keys.list('app', 'log-signing')).toHaveLength(1)
    await expect(log.ensure('no-such-application')).rejects.toMatchObject({ code: 'NOT_FOUND' })
    await expect(log.ensure('keyhaven-admin')).rejects.toMatchObject({ code: 'NOT_FOUND' })
  })

  test('grows by several appends in one transaction, each proven against a signed checkpoint', async () => {
    const before = await log.checkpoint(APP)
    for (let n = 0; n < 6; n++) await append([n * 3, n * 3 + 1, n * 3 + 2])
    const { note, size, root } = await log.checkpoint(APP)
    expect(size).toBe(19)
    const checkpoint = await openCheckpoint(backend, note, {
      ...(await trust()),
      now: Math.floor(now / 1_000),
      maxAgeSeconds: HOUR_SECONDS,
    })
    expect(checkpoint).toMatchObject({ size, origin: (await log.keys(APP)).origin })
    for (let index = 0; index < size; index++) {
      const [entry] = await log.leaves(APP, index, 1)
      await verifyInclusion(backend, {
        leafHash: await leafHash(backend, entry!),
        index,
        size,
        proof: await log.inclusionProof(APP, index, size),
        root,
      })
    }
    await verifyConsistency(backend, {
      size1: before.size,
      root1: before.root,
      size2: size,
      root2: root,
      proof: await log.consistencyProof(APP, before.size, size),
    })
    expect([...state.anchor.logs()]).toEqual([
      { applicationId: APP, size, root: expect.objectContaining({ length: 32 }) },
    ])
  })

  test('a transaction that fails leaves nothing, neither in the log nor in the anchor', async () => {
    const before = await log.head(APP)
    const keys = await log.keys(APP)
    await expect(
      state.transaction(async (transaction) => {
        await log.append(transaction, APP, keys, [leaf(1)])
        throw new Error('later')
      }),
    ).rejects.toThrow('later')
    expect(await log.head(APP)).toEqual(before)
    expect([...state.anchor.logs()][0]?.size).toBe(before.size)
  })

  test('two processes that append at once make no fork', async () => {
    const other = await open()
    const otherLog = logOf(other)
    const indexes = await Promise.all(
      Array.from({ length: 40 }, (_, n) => (n % 2 === 0 ? append([n]) : append([n], other, otherLog))),
    )
    expect(new Set(indexes).size).toBe(40)
    const { size, root } = await log.head(APP)
    expect(size).toBe(41)
    const entries = await log.leaves(APP, 0, size)
    await auditLog(backend, [entries], { size, root })
    expect(await fromFiles()).toEqual(entries)
  })

  test('serves tiles: full ones for ever, and they hash to the checkpoint', async () => {
    const keys = await log.keys(APP)
    await state.transaction((transaction) =>
      log.append(
        transaction,
        APP,
        keys,
        Array.from({ length: 600 }, (_, n) => leaf(n)),
      ),
    )
    const { size, root } = await log.checkpoint(APP)
    const bundles: Uint8Array[][] = []
    for (const tile of entryTiles(size)) {
      const answer = await serveLog(log, APP, tilePath(tile))
      expect(answer.headers.get('cache-control')).toContain('immutable')
      bundles.push(decodeEntryBundle(await answer.bytes(), tile.width))
    }
    await auditLog(backend, bundles, { size, root })
    const hashes = decodeTile(
      parseTilePath('tile/0/001'),
      await (await serveLog(log, APP, 'tile/0/001')).bytes(),
    )
    expect(Buffer.from(hashes[0]!)).toEqual(Buffer.from(await leafHash(backend, bundles[1]![0]!)))
    const level1 = await serveLog(log, APP, 'tile/1/000.p/2')
    expect(await level1.bytes()).toHaveLength(64)
    for (const path of ['tile/0/002', 'tile/0/002.p/90', 'tile/1/000', 'tile/entries/003', 'tiles']) {
      await expect(serveLog(log, APP, path)).rejects.toMatchObject({ code: 'NOT_FOUND' })
    }
    for (const path of ['tile/0/2', 'tile/entries/../../x', 'tile/0/000.p/256']) {
      await expect(serveLog(log, APP, path)).rejects.toMatchObject({ code: 'WIRE_MALFORMED' })
    }
  })

  test('a checkpoint that is read after hours is signed anew', async () => {
    await append([1])
    const first = await log.checkpoint(APP)
    now += 5 * HOUR_SECONDS * 1_000
    const second = await log.checkpoint(APP)
    expect(second).toMatchObject({ size: first.size })
    const expected = { ...(await trust()), now: Math.floor(now / 1_000), maxAgeSeconds: 60 }
    await openCheckpoint(backend, second.note, expected)
    await expect(openCheckpoint(backend, first.note, expected)).rejects.toMatchObject({
      code: 'DIRECTORY_STALE',
    })
    expect((await log.checkpoint(APP)).note).toBe(second.note)
  })

  test('a check finds every altered or missing entry, node and peak', async () => {
    await append([1, 2, 3, 4, 5, 6])
    expect(await checkLog(log, APP)).toMatchObject({ valid: true, size: 7 })
    const back = await rememberDatabase(state.db)
    const other = new Uint8Array(32).fill(1)
    const entry = sql`application_id = ${APP} and position = 5`
    const node = sql`application_id = ${APP} and level = 1 and position = 1`
    for (const damage of [
      sql`update log_entries set leaf = ${other} where ${entry}`,
      sql`delete from log_entries where ${entry}`,
      sql`update log_nodes set hash = ${other} where ${node}`,
      sql`delete from log_nodes where ${node}`,
      sql`update log_heads set peaks = ${new Uint8Array(96)} where application_id = ${APP}`,
    ]) {
      await damage.execute(state.db)
      expect(await checkLog(log, APP)).toMatchObject({ valid: false, size: 7 })
      await back(state.db)
    }
    expect(await checkLog(log, APP)).toMatchObject({ valid: true })
  })

  test('its files hold every leaf, and mend a torn end', async () => {
    await append([1, 2, 3])
    const folder = join(fixture.config.directory.logDir, APP)
    const bundle = join(folder, 'tile', 'entries', '000')
    expect(statSync(bundle).mode & 0o777).toBe(0o600)
    appendFileSync(bundle, Buffer.from([0, 34, 1, 2]))
    // As another process that has not seen the files yet.
    const second = logOf(state)
    await append([4], state, second)
    expect(await fromFiles()).toEqual(await log.leaves(APP, 0, 5))
    // They write in the background, too.
    for (const one of opened) await one.close()
    rmSync(folder, { recursive: true })
    const third = logOf(state)
    await third.files.catchUpAll()
    expect(await fromFiles()).toEqual(await log.leaves(APP, 0, 5))
    expect(readdirSync(folder)).toContain('origin')
    expect(readFileSync(join(folder, 'origin'), 'utf8').trim()).toBe((await log.keys(APP)).origin)
  })

  test('a database whose log is shorter, or another one, than the anchor knows does not start', async () => {
    await append([1, 2])
    const back = await rememberDatabase(state.db)
    await append([3])
    const auditOf = async (db: State['db']) => ({
      head: await db.selectFrom('state_head').selectAll().executeTakeFirstOrThrow(),
      entries: await db.selectFrom('audit_entries').selectAll().execute(),
    })
    const audit = await auditOf(state.db)
    await state.close()
    const database = await openDatabase(fixture.config.database)
    await back(database.db)
    // Only the log went back: the audit chain is put in place again.
    await database.db.deleteFrom('audit_entries').execute()
    for (const entry of audit.entries) await database.db.insertInto('audit_entries').values(entry).execute()
    await database.db.updateTable('state_head').set(audit.head).execute()
    await expect(open()).rejects.toThrow(/the log of application demo has 3 of 4 entries/)
    await database.db.updateTable('log_heads').set({ size: 4 }).execute()
    await expect(open()).rejects.toMatchObject({ code: 'STATE_ROLLED_BACK' })
    await database.close()
  })
})
