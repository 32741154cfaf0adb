import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { StateFixture } from '../../../test/kit/engines.ts'
import { createStateFixture, ENGINES } from '../../../test/kit/engines.ts'
import { freePort } from '../../../test/kit/free-port.ts'
import { startPostgres } from '../../../test/kit/postgres.ts'
import { startRedis } from '../../../test/kit/redis.ts'
import { createRedisReplayStore } from '../src/channel/replay-redis.ts'
import { openSnapshot } from '../src/maintenance/snapshot.ts'
import { loadConfig } from '../src/platform/config/load-config.ts'
import { postgresUnavailable } from '../src/platform/database/postgres-unavailable.ts'
import { openState } from '../src/platform/state/open-state.ts'

const SECRET = 'hunter2-hunter2'

/** @returns what a start says; a password never. */
async function failure(work: Promise<unknown>): Promise<string> {
  const error = await work.then(
    () => new Error('it started'),
    (thrown: Error & { code?: string }) => thrown,
  )
  expect(error).toMatchObject({ code: 'STORE_UNAVAILABLE' })
  expect(error.message).not.toContain(SECRET)
  return error.message
}

describe('a start with a PostgreSQL that', () => {
  let fixture: StateFixture
  beforeAll(async () => {
    fixture = await createStateFixture(ENGINES[0]!)
  })
  afterAll(() => fixture?.dispose())

  const start = (url: string) =>
    failure(openState(loadConfig({ ...fixture.env, KEYHAVEN_DATABASE_URL: url })))

  test('does not run says where it was looked for, why not, and what to do, also for a backup', async () => {
    const at = `127.0.0.1:${await freePort()}`
    const url = `postgres://app:${SECRET}@${at}/keys`
    const said = await start(url)
    expect(said).toContain(`PostgreSQL at ${at} refuses connections`)
    expect(said).toContain('KEYHAVEN_DATABASE_URL')
    expect(await failure(openSnapshot({ dialect: 'postgres', url }))).toBe(said)
  })

  test('has an unknown name, or no such database, says so', async () => {
    const unknown = await start(`postgres://app:${SECRET}@postgres.invalid/keys`)
    expect(unknown).toContain('PostgreSQL at postgres.invalid:5432 is not known')
    const { adminUrl } = await startPostgres()
    const elsewhere = new URL(adminUrl)
    elsewhere.pathname = '/no_such_database'
    expect(await start(elsewhere.href)).toContain(`${elsewhere.host} has no such database`)
  })

  test.each([
    ['28P01', 'password authentication failed for user "app"', 'refuses the password'],
    [undefined, 'SASL: SCRAM-SERVER-FIRST-MESSAGE: client password must be a string', 'asks for a password'],
    [undefined, 'timeout exceeded when trying to connect', 'does not answer in time'],
    ['DEPTH_ZERO_SELF_SIGNED_CERT', 'self-signed certificate', 'has no TLS that this machine trusts'],
  ])('answers %s %s', (code, message, said) => {
    const cause = Object.assign(new Error(message), code === undefined ? {} : { code })
    const error = postgresUnavailable(cause, `postgres://app:${SECRET}@db.example:6000/keys`) as Error
    expect(error).toMatchObject({ code: 'STORE_UNAVAILABLE' })
    expect(error.message).toContain(`PostgreSQL at db.example:6000 ${said}`)
    expect(error.message).not.toContain(SECRET)
  })
})

test('a start with a Redis that does not run, or refuses the password, is one error and no log line', async () => {
  const logged: unknown[] = []
  const start = (url: string) => failure(createRedisReplayStore(url, Date.now, (error) => logged.push(error)))
  const at = `127.0.0.1:${await freePort()}`
  expect(await start(`redis://:${SECRET}@${at}`)).toContain(`Redis at ${at} refuses connections`)
  expect(await start('redis://redis.invalid')).toContain('Redis at redis.invalid:6379 is not known')
  const redis = await startRedis()
  const { host } = new URL(redis.url)
  try {
    expect(await start(`redis://somebody:${SECRET}@${host}`)).toContain(
      `Redis at ${host} refuses user or password`,
    )
  } finally {
    await redis.stop()
  }
  expect(logged).toEqual([])
})
