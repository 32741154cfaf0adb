import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { StateFixture } from '../../../test/kit/engines.ts'
import { createStateFixture, ENGINES } from '../../../test/kit/engines.ts'
import { createUsageCounter, MS_PER_HOUR } from '../src/channel/usage-counter.ts'
import { createUsageRecorder } from '../src/channel/usage-recorder.ts'
import type { UsageStore } from '../src/channel/usage-store.ts'
import { createUsageStore, USAGE_RETENTION_DAYS } from '../src/channel/usage-store.ts'

const NOW = 500_000 * MS_PER_HOUR + 1
const MS_PER_DAY = 24 * MS_PER_HOUR

describe.each(ENGINES)('usage on $name', (engine) => {
  let fixture: StateFixture
  let store: UsageStore

  beforeAll(async () => {
    fixture = await createStateFixture(engine)
    store = createUsageStore((await fixture.open({ schedule: false })).db)
  })
  afterAll(() => fixture?.dispose())

  function batch(applicationId: string, calls: readonly [key: string, at: number, installation?: string][]) {
    const counter = createUsageCounter()
    for (const [key, at, installationId] of calls) {
      const client = {
        installationId: installationId!,
        appVersion: '1.0',
        sdkVersion: '1',
        trust: 'pinned' as const,
      }
      counter.count({
        applicationId,
        keyUuid: `${applicationId}-${key}`,
        at,
        ...(installationId ? { client } : {}),
      })
    }
    return counter.take()
  }

  test('what several processes count adds up', async () => {
    const calls = [
      ['k1', NOW, 'i1'],
      ['k1', NOW + 1, 'i2'],
      ['k2', NOW + MS_PER_HOUR],
    ] as const
    await Promise.all([
      store.add(batch('sum', [...calls] as never)),
      store.add(batch('sum', [...calls] as never)),
    ])
    const hours = await store.hours('sum', NOW - MS_PER_HOUR)
    expect(hours.map(({ keyUuid, appVersion, requests }) => [keyUuid, appVersion, requests])).toEqual([
      ['sum-k1', '1.0', 4],
      ['sum-k2', '', 2],
    ])
    expect(await store.installations('sum', 0)).toEqual([
      { keyUuid: 'sum-k1', appVersion: '1.0', trust: 'pinned', installations: 2 },
    ])
    expect(await store.hours('sum', NOW + 2 * MS_PER_HOUR)).toEqual([])
    expect(await store.hours('other', 0)).toEqual([])
  })

  test('the latest call of an installation counts, whoever writes last', async () => {
    await store.add(batch('late', [['new', NOW + 10, 'i']]))
    await store.add(batch('late', [['old', NOW + 5, 'i']]))
    expect(await store.installations('late', 0)).toMatchObject([{ keyUuid: 'late-new', installations: 1 }])
    expect(await store.installations('late', NOW + 11)).toEqual([])
    const lastUsed = await store.keysLastUsed('late')
    expect(Object.fromEntries(lastUsed)).toEqual({ 'late-new': NOW + 10, 'late-old': NOW + 5 })
  })

  test('thousands of rows at once', async () => {
    const calls = Array.from({ length: 3_000 }, (_, i) => ['k', NOW, `i${i}`] as [string, number, string])
    await store.add(batch('many', calls))
    expect(await store.installations('many', 0)).toMatchObject([{ installations: 3_000 }])
    await store.add(batch('many', []))
  })

  test('new installations are bounded by application and hour, over processes; known ones are always updated', async () => {
    const open = async () => createUsageStore((await fixture.open({ schedule: false })).db, 10)
    const [one, other] = [await open(), await open()]
    const invented = (prefix: string, count: number, at = NOW) =>
      batch(
        'bound',
        Array.from({ length: count }, (_, i) => ['k1', at, `${prefix}${i}`] as [string, number, string]),
      )
    expect(await one.add(invented('z', 3))).toBe(0)
    const leftOut = await Promise.all([one.add(invented('a', 20)), other.add(invented('b', 20))])
    expect(leftOut[0]! + leftOut[1]!).toBe(33)
    const counted = async () =>
      (await one.installations('bound', 0)).map((row) => [row.keyUuid, row.installations])
    expect(await counted()).toEqual([['bound-k1', 10]])
    expect(await one.installationsLeftOut('bound', NOW - MS_PER_HOUR)).toBe(33)

    // The bound is reached, and who is known moves on to the next key all the same.
    expect(
      await other.add(
        batch('bound', [
          ['k2', NOW + 5, 'z1'],
          ['k2', NOW + 5, 'new'],
        ]),
      ),
    ).toBe(1)
    expect(await counted()).toEqual(
      expect.arrayContaining([
        ['bound-k2', 1],
        ['bound-k1', 9],
      ]),
    )
    // Others, and the next hour, have room of their own.
    expect(await one.add(batch('elsewhere', [['k1', NOW, 'new']]))).toBe(0)
    expect(await one.add(invented('c', 10, NOW + MS_PER_HOUR))).toBe(0)
    expect(await one.installationsLeftOut('bound', NOW)).toBe(0)
    expect(await one.installationsLeftOut('elsewhere', 0)).toBe(0)
    // Those that no longer fitted into memory count as left out, too.
    const dropped = { hours: [], lastCalls: [], keys: new Map() }
    const hour = NOW - (NOW % MS_PER_HOUR)
    const lost = [{ applicationId: 'lost', hour, installations: 4 }]
    expect(await one.add({ ...dropped, leftOut: lost })).toBe(4)
    expect(await one.installationsLeftOut('lost', hour)).toBe(4)
  })

  test('those that called first enter, whatever they are called', async () => {
    const store = createUsageStore((await fixture.open({ schedule: false })).db, 1)
    await store.add(
      batch('first', [
        ['k1', NOW, 'zz'],
        ['k2', NOW, 'aa'],
      ]),
    )
    expect(await store.installations('first', 0)).toMatchObject([{ keyUuid: 'first-k1', installations: 1 }])
  })

  test('is forgotten after its time, but the last use of a key is not', async () => {
    const old = NOW - (USAGE_RETENTION_DAYS + 1) * MS_PER_DAY
    await store.add(
      batch('prune', [
        ['k1', old, 'gone'],
        ['k2', NOW, 'here'],
      ]),
    )
    await store.prune(NOW)
    expect((await store.hours('prune', 0)).map(({ keyUuid }) => keyUuid)).toEqual(['prune-k2'])
    expect(await store.installations('prune', 0)).toMatchObject([{ keyUuid: 'prune-k2' }])
    expect((await store.keysLastUsed('prune')).get('prune-k1')).toBe(old)
  })
})

test('what could not be written is written the next time', async () => {
  const written: number[] = []
  let down = true
  const store = {
    add: async (batch: { hours: readonly { requests: number }[] }) => {
      if (down) throw new Error('no database')
      written.push(...batch.hours.map(({ requests }) => requests))
      return 2
    },
  } as unknown as UsageStore
  const errors: unknown[] = []
  const keyCache = { find: () => ({ id: 'k' }) } as never
  const recorder = createUsageRecorder(
    keyCache,
    store,
    () => NOW,
    (error) => errors.push(error),
  )
  const event = { applicationId: 'a', keyId: 1, outcome: 'answered' as const }
  recorder.record(event)
  await recorder.flush()
  recorder.record(event)
  await recorder.flush()
  down = false
  recorder.record(event)
  await recorder.flush()
  expect(errors).toHaveLength(2)
  expect(written).toEqual([3])
  expect(recorder.installationsLeftOut).toBe(2)
})
