import type { ReplayEntry } from '@keyhaven/channel/gateway'
import { backend } from '@keyhaven/crypto'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { createStateFixture, ENGINES, type StateFixture } from '../../../test/kit/engines.ts'
import { createDatabaseReplayStore } from '../src/channel/replay-database.ts'
import type { ReplayKind } from '../src/channel/replay-mark.ts'
import {
  createMarkedReplayStore,
  createReplayMark,
  MARK_CHANGE_MS,
  MARK_LEASE_MS,
} from '../src/channel/replay-mark.ts'
import { backup } from '../src/maintenance/backup.ts'
import { recover } from '../src/maintenance/recover.ts'
import { restore } from '../src/maintenance/restore.ts'
import { openDatabase } from '../src/platform/database/open-database.ts'
import type { State } from '../src/platform/state/state.ts'
import { rememberDatabase } from './fixtures/roll-back.ts'

const START = Date.parse('2026-11-21T12:00:00Z')
const MINUTE_MS = 60_000
const SKEW_MS = 30_000
const RESTORED = START + MINUTE_MS
/** Enough that one of them meets the row just when another has changed it. */
const PROCESSES = 12
const BY = { actor: 'cli:local' }

function entry(): ReplayEntry {
  return {
    applicationId: 'demo',
    encapsulatedKey: backend.randomBytes(32),
    requestId: undefined,
    expiresAt: START + 10 * MINUTE_MS,
  }
}

describe.each(ENGINES)('the mark of the replay store in use, on $name', (engine) => {
  let fixture: StateFixture
  let state: State
  let now: number
  let redis: string | undefined
  beforeEach(async () => {
    fixture = await createStateFixture(engine)
    state = await fixture.open({ schedule: false })
    now = START
    redis = 'redis 1'
  })
  afterEach(() => fixture.dispose())

  /** As a process has it that has just started. */
  const start = (kind: ReplayKind, from: Partial<State> = {}) => {
    const memory = backend.randomBytes(8).toString()
    const identity = { memory: () => memory, database: () => 'database', redis: () => redis }[kind]
    return createReplayMark({ ...state, ...from }, kind, identity, () => now)
  }

  const addKey = () =>
    state.keys.addE2eKey({ applicationId: 'demo', suite: { kem: 'x25519', aead: 'aes-256-gcm' } }, BY)

  test('a first store refuses nothing if it is in the database, or before there is a key', async () => {
    expect((await start('database')).refusesBefore).toBe(0)
    await state.db.deleteFrom('replay_store').execute()
    // Not 0: it would let calls run ahead of their date.
    expect((await start('redis')).refusesBefore).toBe(1)
    await state.db.deleteFrom('replay_store').execute()
    await addKey()
    expect((await start('redis')).refusesBefore).toBe(START + 1)
  })

  test.each([
    ['database', 'redis'],
    ['redis', 'database'],
  ] as const)('while one process uses %s, none starts that uses %s', async (first, second) => {
    const mark = await start(first)
    now += MARK_LEASE_MS - 1
    await expect(start(second)).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
      message: expect.stringContaining('the same KEYHAVEN_REDIS_URL'),
    })
    await mark.renew()
    now += MARK_LEASE_MS - 1
    await expect(start(second)).rejects.toMatchObject({ code: 'CONFIG_INVALID' })
  })

  test('another Redis is another store', async () => {
    await start('redis')
    redis = 'redis 2'
    await expect(start('redis')).rejects.toThrow('in another Redis')
  })

  test('once the mark has expired, another store takes its place; the old one runs nothing long before', async () => {
    const old = await start('redis')
    now += MARK_LEASE_MS / 2
    expect(() => old.check()).toThrow('not certain')
    now = START + MARK_LEASE_MS
    const database = await start('database')
    database.check()
    expect(database.refusesBefore).toBe(now + MARK_CHANGE_MS)
    await expect(old.renew()).rejects.toMatchObject({ code: 'CONFIG_INVALID' })
    expect(() => old.check()).toThrow('not certain')
  })

  test('after all have ended, another store takes its place at once; one that still runs takes the mark back', async () => {
    const [one, two] = [await start('database'), await start('database')]
    await one.release()
    await two.renew()
    await expect(start('redis')).rejects.toMatchObject({ code: 'CONFIG_INVALID' })
    await two.release()
    expect((await start('redis')).refusesBefore).toBe(START + MARK_CHANGE_MS)
  })

  test('who was renewing while it was told to end does not take the mark back', async () => {
    const one = await start('database')
    const ending = [one.renew(), one.release(), one.renew()]
    await Promise.all(ending)
    await one.renew()
    expect((await start('redis')).refusesBefore).toBe(START + MARK_CHANGE_MS)
  })

  test('a store in memory is over when another process has the data folder', async () => {
    const first = await start('memory')
    expect(first.refusesBefore).toBe(1)
    now += 5
    first.check()
    expect((await start('memory')).refusesBefore).toBe(START + 6)
    now += 5
    expect((await start('redis')).refusesBefore).toBe(START + 11)
    await expect(start('memory')).rejects.toMatchObject({ code: 'CONFIG_INVALID' })
  })

  test('all processes say the same, also those that start later', async () => {
    await start('memory')
    now += 5
    const marks = await Promise.all(Array.from({ length: PROCESSES }, () => start('database')))
    now += 1_000
    marks.push(await start('database'))
    expect(new Set(marks.map((mark) => mark.refusesBefore))).toEqual(new Set([START + 6]))
    now += 3 * MINUTE_MS
    expect(marks[0]!.refusesBefore).toBe(0)
  })

  test('a Redis that has forgotten is another store to its own processes, at once', async () => {
    const [one, two] = [await start('redis'), await start('redis')]
    redis = undefined
    await one.renew()
    expect(() => one.check()).toThrow('not certain')
    redis = 'redis 1 again'
    expect(() => one.check()).toThrow('not certain')
    await Promise.all([one.renew(), two.renew()])
    for (const mark of [one, two]) {
      mark.check()
      expect(mark.refusesBefore).toBe(START + MARK_CHANGE_MS)
    }
  })

  /**
   * Serves with one kind of store, stops, sets the state back by `setBack`, and opens it again at
   * {@link RESTORED}.
   */
  const after = async (kind: ReplayKind, setBack: () => Promise<unknown>) => {
    const mark = await start(kind)
    const file = `${fixture.folder}/${kind}.backup`
    await backup(fixture.config, { file })
    await addKey()
    await mark.release()
    await state.close()
    now = RESTORED
    await setBack()
    await recover(fixture.config, { ...BY, clock: () => now })
    state = await fixture.open({ schedule: false })
  }
  const restoreOver = (kind: ReplayKind) => () =>
    restore(fixture.config, {
      ...BY,
      file: `${fixture.folder}/${kind}.backup`,
      force: true,
      clock: () => now,
    })

  test.each(['database', 'redis'] as const)(
    'a call that %s let run ahead of its date does not run again after a restore, whatever store comes next',
    async (kind) => {
      await after(kind, restoreOver(kind))
      for (const next of ['memory', 'memory', 'database'] as const) {
        expect((await start(next)).refusesBefore, next).toBe(RESTORED + SKEW_MS)
        now += MINUTE_MS / 12
      }
    },
  )

  test('after a restore over a database whose store was in memory, one in memory answers at once', async () => {
    await after('memory', restoreOver('memory'))
    expect((await start('memory')).refusesBefore).toBe(RESTORED + 1)
  })

  test('a store in memory that took over just before a restore goes on refusing what the one before may have run', async () => {
    const old = await start('redis')
    await old.release()
    now = RESTORED - 1
    await after('memory', restoreOver('memory'))
    expect((await start('memory')).refusesBefore).toBe(RESTORED - 1 + MARK_CHANGE_MS)
  })

  test('a second restore forgets nothing of the first', async () => {
    await after('database', restoreOver('database'))
    await (await start('memory')).release()
    await state.close()
    now += 1
    await restoreOver('database')()
    await recover(fixture.config, { ...BY, clock: () => now })
    state = await fixture.open({ schedule: false })
    expect((await start('memory')).refusesBefore).toBe(RESTORED + SKEW_MS)
  })

  test('a database that was set back without a restore does not know its last store', async () => {
    const back = await rememberDatabase(state.db)
    await after('memory', async () => {
      const database = await openDatabase(fixture.config.database)
      await back(database.db)
      await database.close()
    })
    expect((await start('memory')).refusesBefore).toBe(RESTORED + SKEW_MS)
  })

  test('a store is ready while it holds the mark, and once it no longer refuses what is dated now', async () => {
    const readiness = async (kind: ReplayKind) => {
      const mark = await start(kind)
      const store = createMarkedReplayStore(
        createDatabaseReplayStore(state, () => now),
        mark,
        () => now,
        mark.renew,
      )
      return { mark, ready: () => store.checkReady() }
    }
    const first = await readiness('redis')
    first.ready()
    redis = undefined
    expect(first.ready).toThrow('not certain')
    redis = 'redis 1, restarted'
    await first.mark.renew()
    expect(first.ready).toThrow(`for ${MARK_CHANGE_MS / 1_000} seconds more`)
    now += MARK_CHANGE_MS - 1
    await first.mark.renew()
    expect(first.ready).toThrow('for 1 second more')
    now += 1
    first.ready()
    await first.mark.release()
    const second = await readiness('database')
    expect(second.ready).toThrow('the replay store is new')
  })

  test('a store that follows one in memory is ready when its first second is over, since dates are whole seconds', async () => {
    await start('memory')
    now += 5
    const mark = await start('memory')
    const store = createMarkedReplayStore(
      createDatabaseReplayStore(state, () => now),
      mark,
      () => now,
      mark.renew,
    )
    expect(store.takesCallsIn()).toBe(995)
    now += 994
    expect(() => store.checkReady()).toThrow('for 1 second more')
    now += 1
    expect(store.takesCallsIn()).toBe(0)
    store.checkReady()
  })

  test('an entry that was taken while the mark expired does not run', async () => {
    const mark = await start('database')
    const database = createDatabaseReplayStore(state, () => now)
    const store = createMarkedReplayStore(
      {
        ...database,
        async insert(taken) {
          now += MARK_LEASE_MS
          return database.insert(taken)
        },
      },
      mark,
      () => now,
      mark.renew,
    )
    const slow = entry()
    await expect(store.insert(slow)).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' })
    expect(store.checkReady).toThrow('not certain')
    expect(await store.has(slow)).toBe(true)
    expect(await store.burn?.(entry())).toBe(true)
  })

  test('a process that slept looks around before it refuses, once for all calls that wait', async () => {
    const mark = await start('redis')
    let looks = 0
    const database = createDatabaseReplayStore(state, () => now)
    const look = async () => {
      looks++
      await mark.renew()
    }
    const store = createMarkedReplayStore(database, mark, () => now, look)
    expect(await store.insert(entry())).toBe(true)
    expect(looks).toBe(0)
    now += MARK_LEASE_MS
    expect(store.checkReady).toThrow('not certain')
    const taken = entry()
    const answers = await Promise.all([taken, taken, entry()].map((one) => store.insert(one)))
    expect(answers.filter(Boolean)).toHaveLength(2)
    expect(looks).toBe(1)
    // Nobody waits for a database that does not answer.
    let answer = () => {}
    const silent = createMarkedReplayStore(
      database,
      mark,
      () => now,
      () => new Promise((resolve) => (answer = resolve)),
    )
    now += MARK_LEASE_MS
    await expect(silent.insert(entry())).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' })
    answer()
    // Another store is in use; then it is gone again, but may have run what was dated in its time: who judged a
    // date before sees it by the time from which dates are good.
    now += MARK_LEASE_MS
    const other = await start('database')
    await expect(store.insert(entry())).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' })
    await other.release()
    now += MARK_LEASE_MS
    const judged = store.refusesBefore
    expect(await store.insert(entry())).toBe(true)
    expect(store.refusesBefore).toBeGreaterThan(judged)
  })
})
