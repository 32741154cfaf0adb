import { fork } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as delay } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { StateFixture } from '../../../test/kit/engines.ts'
import { createStateFixture, ENGINES } from '../../../test/kit/engines.ts'
import type { ApplicationKeys } from '../src/keys/application-keys.ts'
import { createKeyCache } from '../src/keys/create-key-cache.ts'
import { POLL_INTERVAL_MS } from '../src/platform/state/create-state-changes.ts'
import type { State } from '../src/platform/state/state.ts'

const FAST = { kem: 'x25519', aead: 'aes-256-gcm' } as const
const BY = { actor: 'token:test' }
const ONE_SECOND_MS = 1_000
const LATE_ANSWERS = 10

describe.each(ENGINES)('several processes on one $name', (engine) => {
  let fixture: StateFixture
  beforeEach(async () => {
    fixture = await createStateFixture(engine)
  })
  afterEach(() => fixture.dispose())

  /**
   * A second for whoever asks this database at intervals: when the machine stalls, it is as much longer as it is for the
   * State.
   */
  async function secondOf({ db }: State): Promise<string> {
    for (let asked = 0; asked < ONE_SECOND_MS / POLL_INTERVAL_MS; asked++) {
      await delay(POLL_INTERVAL_MS)
      await db.selectFrom('state_head').select('version').execute()
    }
    return 'nothing heard'
  }

  const add = (state: State, applicationId = 'demo') =>
    state.keys.addE2eKey({ applicationId, suite: FAST }, BY)

  test('a revocation reaches another State within one second, without a request to it', async () => {
    const [one, other] = [await fixture.open(), await fixture.open({ schedule: false })]
    const key = await add(one)
    expect(await other.keyCache.find('demo', key.keyId)).toMatchObject({ state: 'active' })
    const heard = new Promise<string>((resolve) => {
      other.changes.onChange((applicationId) => {
        if (applicationId === 'demo') resolve('heard')
      })
    })
    await one.keys.revoke('demo', key.id, { reason: 'test', force: true }, BY)
    expect(await Promise.race([heard, secondOf(other)])).toBe('heard')
    expect(await other.keyCache.find('demo', key.keyId)).toMatchObject({ state: 'revoked' })
  })

  test('a revocation reaches another operating-system process within one second', async () => {
    const state = await fixture.open()
    const key = await add(state)
    const child = fork(new URL('fixtures/use-key.ts', import.meta.url), [String(key.keyId)], {
      env: { ...process.env, ...fixture.env },
      execArgv: [],
    })
    try {
      const [first] = (await once(child, 'message')) as [{ state: string }]
      expect(first.state).toBe('active')
      const answers: { state: string; at: number }[] = []
      child.on('message', (message) => answers.push(message as { state: string; at: number }))
      await state.keys.revoke('demo', key.id, { reason: 'test', force: true }, BY)
      const end = Date.now() + ONE_SECOND_MS
      // Whatever it asks later than a second after, it is told so; when it asks is up to the machine.
      while (answers.filter(({ at }) => at > end).length < LATE_ANSWERS) await once(child, 'message')
      const late = answers.filter(({ at }) => at > end)
      expect(new Set(late.map(({ state }) => state))).toEqual(new Set(['revoked']))
    } finally {
      child.kill('SIGKILL')
    }
  })

  test('a key that another process has just added opens here at once', async () => {
    const [one, other] = [await fixture.open(), await fixture.open({ schedule: false })]
    await add(one)
    expect(await other.keyCache.live('demo')).toHaveLength(1)
    const next = await add(one)
    expect(await other.keyCache.find('demo', next.keyId)).toMatchObject({ state: 'pending' })
  })

  test('due keys become active by themselves, and every process hears of it', async () => {
    const [one, other] = [await fixture.open(), await fixture.open()]
    await add(one)
    const next = await add(one)
    const active = async (state: State) => (await state.keyCache.advertised('demo')).map((key) => key.keyId)
    expect(await active(other)).toEqual([1])
    await new Promise<void>((resolve) => {
      const look = async (): Promise<void> => {
        if ((await active(other))[0] === next.keyId) resolve()
        else setTimeout(look, 20)
      }
      void look()
    })
    expect(Date.now()).toBeGreaterThanOrEqual(next.createdAt + 2_000)
    const { items } = await one.audit.list({ action: 'key.activate' })
    expect(items).toHaveLength(2) // once each, though both processes looked
  })

  test('one that is closed while it takes in what another changed says nothing of it', async () => {
    const one = await fixture.open()
    const failures: unknown[] = []
    const onError = (error: unknown) => void failures.push(error)
    for (let round = 0; round < 4; round++) {
      const other = await fixture.open({ schedule: false, onError })
      const looked = new Promise<void>((resolve) => {
        other.changes.onChange(() => resolve())
      })
      await add(one, `demo-${round}`)
      await looked
      await other.close()
    }
    await delay(POLL_INTERVAL_MS)
    expect(failures).toEqual([])
  })

  test('a process far behind forgets everything', async () => {
    const [one, other] = [await fixture.open(), await fixture.open({ schedule: false })]
    const heard: (string | undefined)[] = []
    await other.changes.refresh()
    other.changes.onChange((applicationId) => heard.push(applicationId))
    await one.transaction(async (transaction) => {
      for (let n = 0; n < 2_100; n++) transaction.changed(`application-${n}`)
    })
    await other.changes.refresh()
    expect(heard).toContain(undefined)
    expect(other.changes.version).toBe(1)
  })

  test('a database that goes back while the server runs is noticed', async () => {
    const state = await fixture.open({ schedule: false })
    await add(state)
    await state.changes.refresh()
    const other = await fixture.open({ schedule: false })
    await other.db.updateTable('state_head').set({ version: 0 }).execute()
    await expect(state.changes.refresh()).rejects.toMatchObject({ code: 'STATE_ROLLED_BACK' })
    // And goes on being noticed: else the next question would bring a revoked key back to life.
    await expect(state.changes.refresh()).rejects.toMatchObject({ code: 'STATE_ROLLED_BACK' })
    await expect(state.keyCache.find('demo', 1)).rejects.toMatchObject({ code: 'STATE_ROLLED_BACK' })
  })
})

describe('a key cache', () => {
  const END = 1_000
  let now = 0
  beforeEach(() => {
    now = 0
  })

  function cacheWith(
    load: () => Promise<ApplicationKeys>,
    fresh: () => Promise<void> | undefined = () => undefined,
  ) {
    let tell: (applicationId: string | undefined) => void = () => {}
    const cache = createKeyCache({
      load,
      keys: { importE2eKey: async () => ({}) as never },
      changes: {
        version: 0,
        lastConfirmedAt: 0,
        onChange: (listener) => {
          tell = listener
          return () => {}
        },
        refresh: async () => {},
        confirmFresh: fresh,
      },
      clock: () => now,
      maxApplications: 2,
    })
    return { cache, tell: (applicationId?: string) => tell(applicationId) }
  }
  const keys = (state: 'active' | 'revoked') =>
    ({
      live: state === 'active' ? [{ id: 'k', keyId: 1, state, suite: FAST, endAt: END }] : [],
      revokedKeyIds: new Set(state === 'active' ? [] : [1]),
    }) as unknown as ApplicationKeys

  test('answers a known key without a promise', async () => {
    const { cache } = cacheWith(async () => keys('active'))
    await cache.find('demo', 1)
    expect(cache.find('demo', 1)).not.toBeInstanceOf(Promise)
  })

  test('fails closed when the state cannot be confirmed', async () => {
    let down = false
    const refuse = () => (down ? Promise.reject(new Error('STORE_UNAVAILABLE')) : undefined)
    const { cache } = cacheWith(async () => keys('active'), refuse)
    await cache.find('demo', 1)
    down = true
    await expect(cache.find('demo', 1)).rejects.toThrow('STORE_UNAVAILABLE')
    await expect(cache.live('demo')).rejects.toThrow('STORE_UNAVAILABLE')
  })

  test('a revocation during a load is not lost', async () => {
    const answers = [keys('active'), keys('revoked')]
    const { cache, tell } = cacheWith(async () => {
      const answer = answers.shift() ?? keys('revoked')
      if (answers.length === 1) tell('demo')
      return answer
    })
    expect(await cache.find('demo', 1)).toMatchObject({ state: 'revoked' })
  })

  test('a key past its planned end is revoked, though nothing has ended it yet', async () => {
    const { cache } = cacheWith(async () => keys('active'))
    now = END - 1
    expect(await cache.find('demo', 1)).toMatchObject({ state: 'active', privateKey: {} })
    expect(await cache.advertised('demo')).toHaveLength(1)
    now = END
    const ended = { id: 'k', keyId: 1, state: 'revoked', aeads: [] }
    expect(await cache.find('demo', 1)).toEqual(ended)
    expect(await cache.advertised('demo')).toEqual([])
    expect(await cacheWith(async () => keys('active')).cache.find('demo', 1)).toEqual(ended)
  })

  test('is bounded, and names without keys push nothing out', async () => {
    const loads: string[] = []
    const counting = createKeyCache({
      load: async (applicationId) => {
        loads.push(applicationId)
        return applicationId.startsWith('none') ? { live: [], revokedKeyIds: new Set() } : keys('active')
      },
      keys: { importE2eKey: async () => ({}) as never },
      changes: {
        version: 0,
        lastConfirmedAt: 0,
        onChange: () => () => {},
        refresh: async () => {},
        confirmFresh: () => undefined,
      },
      clock: () => now,
      maxApplications: 2,
    })
    for (const id of ['a', 'b', 'none-1', 'none-2', 'a', 'c', 'a', 'b']) await counting.find(id, 1)
    expect(loads.filter((id) => !id.startsWith('none'))).toEqual(['a', 'b', 'c', 'b'])
  })
})
