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
import type { State } from '../src/platform/state/state.ts'

const START = Date.parse('2026-11-21T12:00:00Z')
const MINUTE_MS = 60_000

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

  test('a first store refuses nothing if it is in the database, else what is dated before it', async () => {
    expect((await start('database')).refusesBefore).toBe(0)
    await state.db.deleteFrom('replay_store').execute()
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

  test('a store in memory is over when another process has the data folder', async () => {
    const first = await start('memory')
    expect(first.refusesBefore).toBe(START + 1)
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
    const marks = await Promise.all([start('database'), start('database'), start('database')])
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

  test('after a restore, what was dated before it is refused', async () => {
    const skew = 30_000
    expect((await start('database', { restoredAt: START })).refusesBefore).toBe(START + skew)
    now += MINUTE_MS
    expect((await start('redis', { restoredAt: now })).refusesBefore).toBe(now + skew)
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
    )
    const slow = entry()
    await expect(store.insert(slow)).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' })
    expect(() => store.burn?.(entry())).toThrow('not certain')
    await mark.renew()
    expect(await store.has(slow)).toBe(true)
    expect(await store.burn?.(entry())).toBe(true)
  })
})
