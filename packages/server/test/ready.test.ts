import { setTimeout } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { createStateFixture, ENGINES, type StateFixture } from '../../../test/kit/engines.ts'
import { freePort } from '../../../test/kit/free-port.ts'
import { postEnvelope, type RawKey, sealRaw } from '../../../test/kit/raw-envelope.ts'
import { startServerProcess, TEST_ENV } from '../../../test/kit/server-process.ts'
import { callAdmin } from '../../../test/kit/test-server.ts'
import { loadConfig } from '../src/platform/config/load-config.ts'
import { startServing } from '../src/serve.ts'

const MS_PER_SECOND = 1_000

interface Running {
  readonly publicUrl: string
  readonly adminUrl: string
}

const demoKey = async ({ adminUrl }: Running): Promise<RawKey> =>
  (await callAdmin(adminUrl, 'GET', '/applications/demo/e2e-keys')).body.items[0]
const gatewayOf = ({ publicUrl }: Running) => `${publicUrl}/gateway/demo`

/** A call of a client that does not try again, dated now. @returns the status inside the seal. */
async function callOnce(server: Running, key: RawKey): Promise<number> {
  const { inner } = await postEnvelope(gatewayOf(server), await sealRaw(key))
  return inner!.status
}

describe.each(ENGINES)('a server that says it is ready, on $name', (engine) => {
  let fixture: StateFixture
  beforeEach(async () => {
    fixture = await createStateFixture(engine, {
      ...TEST_ENV,
      KEYHAVEN_PORT: String(await freePort()),
      KEYHAVEN_LOG_LEVEL: 'fatal',
    })
  })
  afterEach(() => fixture.dispose())

  test('runs a call that is dated then, in whichever second it starts, and after a crash', async () => {
    let key: RawKey | undefined
    for (let start = 0; start < 3; start++) {
      const server = await startServerProcess(fixture.env)
      try {
        key ??= await demoKey(server)
        expect(await callOnce(server, key)).toBe(200)
      } finally {
        await server.kill()
      }
    }
  })

  test('says so at /readyz no earlier', async () => {
    const first = await startServing(loadConfig(fixture.env), undefined)
    const key = await demoKey(first)
    await first.close()
    const { publicUrl } = first
    const starting = startServing(loadConfig(fixture.env), undefined)
    const isReady = () =>
      fetch(`${publicUrl}/readyz`).then(
        ({ ok }) => ok,
        () => false,
      )
    await expect.poll(isReady, { interval: 1 }).toBe(true)
    const call = await postEnvelope(`${publicUrl}/gateway/demo`, await sealRaw(key))
    await (await starting).close()
    expect(call.inner!.status).toBe(200)
  })

  test('runs nothing of its first second that the one before it in that second has run', async () => {
    const first = await startServing(loadConfig(fixture.env), undefined)
    const key = await demoKey(first)
    // At its beginning, so that both are in it.
    await setTimeout(MS_PER_SECOND - (Date.now() % MS_PER_SECOND))
    const envelope = await sealRaw(key)
    const before = await postEnvelope(gatewayOf(first), envelope)
    await first.close()
    const next = await startServing(loadConfig(fixture.env), undefined)
    const again = await postEnvelope(gatewayOf(next), envelope)
    const fresh = await callOnce(next, key)
    await next.close()
    expect(before.inner!.status).toBe(200)
    expect(again.json.code).toBe(engine.dialect === 'sqlite' ? 'CLOCK_SKEW' : 'REPLAYED')
    expect(fresh).toBe(200)
  })
})
