import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { ReplayEntry } from '@keyhaven/channel/gateway'
import { backend } from '@keyhaven/crypto'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { StateFixture } from '../../../test/kit/engines.ts'
import { createStateFixture, ENGINES } from '../../../test/kit/engines.ts'
import { freePort } from '../../../test/kit/free-port.ts'
import { newRequestId } from '../../../test/kit/raw-envelope.ts'
import { createDatabaseReplayStore, MAX_BURNED_HASHES } from '../src/channel/replay-database.ts'
import type { ReplayEntries } from '../src/channel/replay-mark.ts'
import type { RedisReplayStore } from '../src/channel/replay-redis.ts'
import { createRedisReplayStore } from '../src/channel/replay-redis.ts'

const MINUTE_MS = 60_000

function entry(more: Partial<ReplayEntry> = {}): ReplayEntry {
  return {
    applicationId: 'demo',
    encapsulatedKey: backend.randomBytes(32),
    requestId: newRequestId(),
    expiresAt: Date.now() + MINUTE_MS,
    ...more,
  }
}

async function tryInsert(store: ReplayEntries): Promise<boolean> {
  try {
    return await store.insert(entry())
  } catch {
    return false
  }
}

/** What every shared store must do; two stores stand for two processes. */
function sharedStoreTests(stores: () => readonly [ReplayEntries, ReplayEntries]): void {
  test('takes an entry once, in whatever process it comes', async () => {
    const [one, two] = stores()
    const seen = entry()
    expect(await one.has(seen)).toBe(false)
    expect(await one.insert(seen)).toBe(true)
    expect(await one.insert(seen)).toBe(false)
    expect(await two.insert(seen)).toBe(false)
    expect(await two.has(seen)).toBe(true)
  })

  test('inserts both or neither', async () => {
    const [one, two] = stores()
    const first = entry()
    await one.insert(first)
    const sameKey = entry({ encapsulatedKey: first.encapsulatedKey })
    expect(await two.insert(sameKey)).toBe(false)
    expect(await two.insert(entry({ requestId: sameKey.requestId! }))).toBe(true)
    const sameId = entry({ requestId: first.requestId! })
    expect(await two.insert(sameId)).toBe(false)
    expect(await two.insert({ ...sameId, requestId: undefined })).toBe(true)
  })

  test('keeps applications apart', async () => {
    const [one] = stores()
    const mine = entry()
    await one.insert(mine)
    expect(await one.insert({ ...mine, applicationId: 'other' })).toBe(true)
  })

  test('lets one of forty at once through', async () => {
    const [one, two] = stores()
    const same = entry()
    const crossed = Array.from({ length: 40 }, (_, i) => (i % 2 === 0 ? one : two).insert(same))
    expect((await Promise.all(crossed)).filter(Boolean)).toHaveLength(1)
  })
}

describe.each(ENGINES)('replay entries on $name', (engine) => {
  let fixture: StateFixture
  let stores: readonly [ReplayEntries, ReplayEntries]

  beforeAll(async () => {
    fixture = await createStateFixture(engine)
    stores = [
      createDatabaseReplayStore(await fixture.open({ schedule: false }), Date.now),
      createDatabaseReplayStore(await fixture.open({ schedule: false }), Date.now),
    ]
  })
  afterAll(() => fixture?.dispose())

  sharedStoreTests(() => stores)

  test('are forgotten when they have expired', async () => {
    const state = await fixture.open({ schedule: false })
    const store = createDatabaseReplayStore(state, Date.now)
    const now = Date.now()
    const old = entry({ expiresAt: now - 1 })
    await store.insert(old)
    // More than one statement cleans up.
    for (let i = 0; i < 9; i++) {
      const rows = Array.from({ length: 500 }, () => ({
        entry_hash: backend.randomBytes(32),
        expires_at: now - 1,
      }))
      await state.db.insertInto('replay_entries').values(rows).execute()
    }
    const alive = entry()
    await store.insert(alive)
    await store.prune(now)
    expect(await store.has(old)).toBe(false)
    expect(await store.has(alive)).toBe(true)
    const left = await state.db
      .selectFrom('replay_entries')
      .selectAll()
      .where('expires_at', '<', now)
      .execute()
    expect(left).toEqual([])
  })

  test('of requests dated ahead fill it only so far; others still run', async () => {
    const state = await fixture.open({ schedule: false })
    const expires_at = Date.now() + 10 * MINUTE_MS
    for (let made = 0; made < MAX_BURNED_HASHES; made += 10_000) {
      const rows = Array.from({ length: 10_000 }, () => ({ entry_hash: backend.randomBytes(32), expires_at }))
      await state.db.insertInto('replay_entries').values(rows).execute()
    }
    let now = Date.now()
    const store = createDatabaseReplayStore(state, () => now)
    const ahead = entry({ expiresAt: expires_at + 1 })
    expect(await store.burn(ahead)).toBeUndefined()
    expect(await store.has(ahead)).toBe(false)
    expect(await store.insert(entry())).toBe(true)
    await state.db.deleteFrom('replay_entries').where('expires_at', '=', expires_at).execute()
    now += 1_000
    expect(await store.burn(ahead)).toBe(true)
    expect(await store.burn(ahead)).toBe(false)
  })
})

describe('replay entries in Redis', () => {
  let folder: string
  let port: number
  let redis: ReturnType<typeof spawn>
  const stores: RedisReplayStore[] = []

  const startRedis = async () => {
    redis = spawn(
      'redis-server',
      ['--port', String(port), '--save', '', '--bind', '127.0.0.1', '--dir', folder],
      {
        stdio: ['ignore', 'pipe', 'ignore'],
      },
    )
    for await (const text of redis.stdout!) if (String(text).includes('Ready to accept')) break
  }
  const stopRedis = async () => {
    const gone = once(redis, 'exit')
    redis.kill('SIGKILL')
    await gone
  }
  const open = async (clock = Date.now) => {
    const store = await createRedisReplayStore(`redis://127.0.0.1:${port}`, clock, () => {})
    stores.push(store)
    return store
  }

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'keyhaven-replay-'))
    port = await freePort()
    await startRedis()
    await open()
    await open()
  })
  afterAll(async () => {
    for (const store of stores) await store.close()
    await stopRedis()
    await rm(folder, { recursive: true })
  })

  sharedStoreTests(() => [stores[0]!, stores[1]!])

  test('two processes agree on what it remembers', async () => {
    expect(stores[0]!.identity).toMatch(/^\w{40} [\w-]{22}$/)
    expect(stores[1]!.identity).toBe(stores[0]!.identity)
  })

  test.each([-7_000, 7_000])('a clock that differs by %i ms is refused', async (off) => {
    await expect(open(() => Date.now() + off)).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
      message: expect.stringContaining('differ by 7 seconds'),
    })
  })

  test('fails closed while Redis is gone; then it is another one', async () => {
    const [one, two] = stores as [RedisReplayStore, RedisReplayStore]
    const before = one.identity
    await stopRedis()
    await expect(one.insert(entry())).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' })
    expect(one.identity).toBeUndefined()
    await startRedis()
    await expect.poll(() => tryInsert(one)).toBe(true)
    await expect.poll(() => tryInsert(two)).toBe(true)
    expect(one.identity).not.toBe(before)
    expect(two.identity).toBe(one.identity)
  })

  test('notices that somebody has emptied it', async () => {
    const [one] = stores as [RedisReplayStore]
    const { createClient } = await import('redis')
    const client = await createClient({ url: `redis://127.0.0.1:${port}` }).connect()
    const before = one.identity
    await client.flushAll()
    client.destroy()
    await expect(one.insert(entry())).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' })
    await expect.poll(() => tryInsert(one)).toBe(true)
    expect(one.identity).not.toBe(before)
  })

  test('one that may drop entries to make room is refused', async () => {
    const { createClient } = await import('redis')
    const client = await createClient({ url: `redis://127.0.0.1:${port}` }).connect()
    await client.configSet({ maxmemory: '100mb', 'maxmemory-policy': 'allkeys-lru' })
    await expect(open()).rejects.toMatchObject({ code: 'CONFIG_INVALID' })
    await client.configSet('maxmemory-policy', 'noeviction')
    expect(await (await open()).insert(entry())).toBe(true)
    await client.configSet('maxmemory', '0')
    client.destroy()
  })

  test('a server does not start without it', async () => {
    const url = `redis://127.0.0.1:${await freePort()}`
    await expect(createRedisReplayStore(url, Date.now, () => {})).rejects.toMatchObject({
      code: 'STORE_UNAVAILABLE',
    })
  })
})
