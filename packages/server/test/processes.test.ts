import { createChannel } from '@keyhaven/channel'
import { afterEach, describe, expect, test } from 'vitest'
import { createStateFixture, ENGINES } from '../../../test/kit/engines.ts'
import type { RawKey } from '../../../test/kit/raw-envelope.ts'
import { postEnvelope, sealRaw } from '../../../test/kit/raw-envelope.ts'
import { startRedis } from '../../../test/kit/redis.ts'
import type { ServerProcess } from '../../../test/kit/server-process.ts'
import { startServerProcess, TEST_ADMIN_TOKEN } from '../../../test/kit/server-process.ts'
import { callAdmin } from '../../../test/kit/test-server.ts'
import { lockDataFolder } from '../src/data-lock.ts'

const MEASURED_REVOCATION_MS = 1_000
/** At least. */
const LATE_CALLS = 6
const running: (() => Promise<unknown>)[] = []

afterEach(async () => {
  for (const stop of running.splice(0).reverse()) await stop()
})

async function fixtureOf(engine: (typeof ENGINES)[number]) {
  const fixture = await createStateFixture(engine)
  running.push(() => fixture.dispose())
  return fixture
}

async function start(env: Readonly<Record<string, string>>): Promise<ServerProcess> {
  const server = await startServerProcess(env)
  running.push(() => server.kill())
  return server
}

/** A quick key to seal for, active at once. */
async function application(server: ServerProcess, id = 'app') {
  await callAdmin(server.adminUrl, 'POST', '/applications', { id, suite: 'x25519' })
  const { items } = (await callAdmin(server.adminUrl, 'GET', `/applications/${id}/e2e-keys`)).body
  return items[0] as RawKey & { id: string }
}

describe('a captured request', () => {
  test('is refused by a second process on the same PostgreSQL', async () => {
    const { env } = await fixtureOf(ENGINES[1]!)
    const one = await start(env)
    const two = await start(env)
    const envelope = await sealRaw(await application(one))
    const gateways = [one, two].map((server) => `${server.publicUrl}/gateway/app`)
    expect((await postEnvelope(gateways[0]!, envelope)).inner!.status).toBe(200)
    for (const gateway of gateways) {
      const again = await postEnvelope(gateway, envelope)
      expect([again.inner!.status, again.json.code]).toEqual([409, 'REPLAYED'])
    }
  })

  test('is refused by every worker of one server, on SQLite and with Redis', async () => {
    const redis = await startRedis()
    running.push(() => redis.stop())
    for (const more of [{}, { KEYHAVEN_REDIS_URL: redis.url }]) {
      const { env } = await fixtureOf(ENGINES[0]!)
      const server = await start({ ...env, ...more, KEYHAVEN_WORKERS: '2' })
      const envelope = await sealRaw(await application(server))
      const gateway = `${server.publicUrl}/gateway/app`
      const answers = await Promise.all(Array.from({ length: 12 }, () => postEnvelope(gateway, envelope)))
      expect(answers.filter((answer) => answer.inner?.status === 200)).toHaveLength(1)
      expect(answers.filter((answer) => answer.json.code === 'REPLAYED')).toHaveLength(11)
    }
  })

  test.each(ENGINES)('is refused after a crash and a restart on $name', async (engine) => {
    const { env } = await fixtureOf(engine)
    const first = await start(env)
    const key = await application(first)
    // Not dated within the second of the start, which a store in memory refuses.
    const envelope = await sealRaw(key, { date: Date.now() + 1_000 })
    expect((await postEnvelope(`${first.publicUrl}/gateway/app`, envelope)).inner!.status).toBe(200)
    await first.kill()
    const second = await start(env)
    const again = await postEnvelope(`${second.publicUrl}/gateway/app`, envelope)
    // A store in memory has forgotten it, but refuses whatever was dated before it began.
    expect(again.json.code).toBe(engine.dialect === 'sqlite' ? 'CLOCK_SKEW' : 'REPLAYED')
    const fresh = await sealRaw(key, { date: Date.now() + 1_000 })
    expect((await postEnvelope(`${second.publicUrl}/gateway/app`, fresh)).inner!.status).toBe(200)
  })
})

describe('several processes', () => {
  test.each([
    ['two servers on PostgreSQL', 1, {}],
    ['two workers on SQLite', 0, { KEYHAVEN_WORKERS: '2' }],
  ] as const)('%s: a revoked key opens nowhere after one second', async (_name, engine, more) => {
    const { env } = await fixtureOf(ENGINES[engine]!)
    const one = await start({ ...env, ...more })
    const two = engine === 1 ? await start(env) : one
    const old = await application(one)
    const gateway = `${two.publicUrl}/gateway/app`
    expect((await postEnvelope(gateway, await sealRaw(old))).inner!.status).toBe(200)
    await callAdmin(one.adminUrl, 'POST', '/applications/app/e2e-keys', { suite: 'x25519' })
    const revoked = await callAdmin(one.adminUrl, 'POST', `/applications/app/e2e-keys/${old.id}/revoke`, {
      reason: 'stolen',
      force: true,
    })
    const answeredAt = performance.now()
    expect(revoked.status).toBe(200)
    const late: string[] = []
    // As many as it takes: a busy machine may send few in a second.
    while (performance.now() < answeredAt + 2 * MEASURED_REVOCATION_MS || late.length < LATE_CALLS) {
      const sentAt = performance.now()
      const answer = await postEnvelope(gateway, await sealRaw(old))
      if (sentAt > answeredAt + MEASURED_REVOCATION_MS) late.push(answer.json.code)
    }
    expect(new Set(late)).toEqual(new Set(['KEY_REVOKED']))
  })

  test('workers share the traffic, the figures and the usage', async () => {
    const { env } = await fixtureOf(ENGINES[0]!)
    const server = await start({ ...env, KEYHAVEN_WORKERS: '2' })
    await application(server)
    const { trust } = (await callAdmin(server.adminUrl, 'GET', '/applications/app')).body
    const channels = Array.from({ length: 4 }, () =>
      createChannel({ url: server.publicUrl, applicationId: 'app', trust, appVersion: '1.0' }),
    )
    for (let i = 0; i < 5; i++) {
      const answers = await Promise.all(channels.map((channel) => channel.fetch('/v1/echo')))
      expect(answers.map((answer) => answer.status)).toEqual([200, 200, 200, 200])
    }
    const usage = async () =>
      (await callAdmin(server.adminUrl, 'GET', '/applications/app/e2e-keys/usage')).body
    // A worker that takes longer than a second to answer is left out, until somebody asks again.
    await expect.poll(usage).toMatchObject({ requests: 20, installations: 4 })
    const metrics = async () => (await fetch(`${server.adminUrl}/metrics`)).text()
    await expect.poll(metrics).toContain('keyhaven_processes 3')
    await expect.poll(metrics).toContain('keyhaven_channel_exchanges_total{outcome="ok"} 20')
    expect((await callAdmin(server.adminUrl, 'GET', '/status')).body).toMatchObject({
      workers: 2,
      replay: 'database',
    })
  })

  test('a worker that dies is replaced, and calls go on', async () => {
    const { env } = await fixtureOf(ENGINES[0]!)
    const server = await start({ ...env, KEYHAVEN_WORKERS: '2', KEYHAVEN_LOG_LEVEL: 'error' })
    const { execFileSync } = await import('node:child_process')
    const children = execFileSync('ps', ['-o', 'pid=', '--ppid', String(server.pid)], { encoding: 'utf8' })
    const [victim] = children.trim().split(/\s+/).map(Number)
    process.kill(victim!, 'SIGKILL')
    await expect.poll(() => server.log()).toContain('a worker process ended by itself')
    const metrics = async () => (await fetch(`${server.adminUrl}/metrics`)).text()
    await expect.poll(metrics).toContain('keyhaven_processes 3')
    const key = await application(server)
    expect((await postEnvelope(`${server.publicUrl}/gateway/app`, await sealRaw(key))).inner!.status).toBe(
      200,
    )
  })

  test('two servers that keep replay entries in memory cannot share a database', async () => {
    const { env, folder } = await fixtureOf(ENGINES[0]!)
    const first = await start(env)
    await expect(startServerProcess(env)).rejects.toThrow(/another server uses/)
    await expect(startServerProcess({ ...env, KEYHAVEN_WORKERS: '2' })).rejects.toThrow(/another server uses/)
    const elsewhere = {
      ...env,
      KEYHAVEN_DATA_DIR: `${folder}/elsewhere`,
      KEYHAVEN_MASTER_KEY_FILE: env.KEYHAVEN_MASTER_KEY_FILE ?? `${env.KEYHAVEN_DATA_DIR}/master.key`,
    }
    await expect(startServerProcess(elsewhere)).rejects.toThrow(/another server uses/)
    await first.kill()
    await start(env) // a crash leaves no lock behind
  })

  test.each(ENGINES)('a server with Redis and one without do not run on one $name', async (engine) => {
    const redis = await startRedis()
    running.push(() => redis.stop())
    const { env } = await fixtureOf(engine)
    const workers = { ...env, KEYHAVEN_WORKERS: '2' }
    const first = await start({ ...workers, KEYHAVEN_REDIS_URL: redis.url })
    await expect(startServerProcess(workers)).rejects.toThrow(/the same KEYHAVEN_REDIS_URL, or none/)
    await first.stop()
    const second = await start(workers) // nobody is left who could run a call
    await expect(startServerProcess({ ...workers, KEYHAVEN_REDIS_URL: redis.url })).rejects.toThrow(
      /in the database, this one in Redis/,
    )
    expect((await callAdmin(second.adminUrl, 'GET', '/status')).body.replay).toBe('database')
  })

  test('a lock is shared by those that may share', async () => {
    const { folder } = await fixtureOf(ENGINES[0]!)
    const shared = [lockDataFolder(folder, 'shared'), lockDataFolder(folder, 'shared')]
    expect(() => lockDataFolder(folder, 'alone')).toThrow(/another server/)
    for (const lock of shared) lock.release()
    const alone = lockDataFolder(folder, 'alone')
    expect(() => lockDataFolder(folder, 'shared')).toThrow(/another server/)
    alone.release()
  })
})

describe('ending', () => {
  test.each(['1', '2'])(
    'SIGTERM lets a running call end and writes the usage (workers: %s)',
    async (workers) => {
      const { env } = await fixtureOf(ENGINES[0]!)
      const server = await startServerProcess({ ...env, KEYHAVEN_WORKERS: workers })
      await application(server)
      const { trust } = (await callAdmin(server.adminUrl, 'GET', '/applications/app')).body
      const channel = createChannel({ url: server.publicUrl, applicationId: 'app', trust })
      const answer = await channel.fetch('/v1/echo/stream?pieces=5&bytes=100000&delayMs=200')
      const stopped = server.stop()
      let bytes = 0
      for await (const piece of answer.body!) bytes += piece.length
      expect(bytes).toBe(500_000)
      expect(await stopped).toBe(0)
      channel.close()

      const again = await start(env)
      const usage = (await callAdmin(again.adminUrl, 'GET', '/applications/app/e2e-keys/usage')).body
      expect(usage.requests).toBe(1)
      expect(again.oneTimeCode).not.toBe(server.oneTimeCode)
      expect((await callAdmin(again.adminUrl, 'GET', '/session', undefined, TEST_ADMIN_TOKEN)).status).toBe(
        200,
      )
    },
  )

  test('an address that is taken is said so', async () => {
    const one = await fixtureOf(ENGINES[0]!)
    const two = await fixtureOf(ENGINES[0]!)
    const { port } = new URL((await start(one.env)).publicUrl)
    for (const workers of ['1', '2']) {
      await expect(
        startServerProcess({ ...two.env, KEYHAVEN_PORT: port, KEYHAVEN_WORKERS: workers }),
      ).rejects.toThrow(/cannot listen on 127\.0\.0\.1:\d+ \(EADDRINUSE\)/)
    }
  })
})
