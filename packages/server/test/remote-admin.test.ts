import { createChannel } from '@keyhaven/channel'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { ENGINES } from '../../../test/kit/engines.ts'
import { postEnvelope, sealRaw } from '../../../test/kit/raw-envelope.ts'
import { TEST_ADMIN_TOKEN } from '../../../test/kit/server-process.ts'
import type { TestServer } from '../../../test/kit/test-server.ts'
import { startTestServer } from '../../../test/kit/test-server.ts'
import { loadConfig } from '../src/platform/config/load-config.ts'
import { openState } from '../src/platform/state/open-state.ts'

describe('the admin API through the channel', () => {
  let server: TestServer
  let rootThumbprints: string[]
  let key: Parameters<typeof sealRaw>[0]

  beforeAll(async () => {
    server = await startTestServer(ENGINES[0]!)
    const state = await openState(loadConfig(server.env), { schedule: false })
    const row = await state.db
      .selectFrom('applications')
      .select('root_thumbprints')
      .where('id', '=', 'keyhaven-admin')
      .executeTakeFirstOrThrow()
    rootThumbprints = JSON.parse(row.root_thumbprints)
    const [active] = await state.keyCache.advertised('keyhaven-admin')
    key = {
      keyId: active!.keyId,
      publicKey: Buffer.from(active!.publicKey).toString('base64url'),
      suite: { kem: active!.suite.kem, aead: 'aes-256-gcm' },
    }
    await state.close()
  })
  afterAll(() => server?.dispose())

  test('answers a token inside the seal, by the manifest of the root', async () => {
    const channel = createChannel({
      url: server.adminUrl,
      applicationId: 'keyhaven-admin',
      trust: { rootThumbprints },
    })
    const headers = { authorization: `Bearer ${TEST_ADMIN_TOKEN}` }
    const answer = await channel.fetch('/admin/v1/applications', { headers })
    expect((await answer.json()).items[0].id).toBe('demo')
    expect((await channel.fetch('/admin/v1/applications')).status).toBe(401)
    channel.close()
  })

  test('takes no cookie: a browser does not come this way', async () => {
    const signIn = await server.admin('POST', '/session', { token: TEST_ADMIN_TOKEN }, null)
    const cookie = signIn.headers.getSetCookie()[0]!.split(';')[0]!
    const answer = await postEnvelope(
      `${server.adminUrl}/gateway/keyhaven-admin`,
      await sealRaw(key, { path: '/admin/v1/applications', headers: [['cookie', cookie]] }),
    )
    expect(answer.inner!.status).toBe(401)
  })

  test('is all that can be called there', async () => {
    for (const path of [
      '/v1/echo',
      '/metrics',
      '/',
      '/gateway/keyhaven-admin',
      '/admin/oidc/start',
      '/admin',
    ]) {
      const answer = await postEnvelope(
        `${server.adminUrl}/gateway/keyhaven-admin`,
        await sealRaw(key, { path }),
      )
      expect([path, answer.inner!.status, answer.json.code]).toEqual([path, 403, 'ACCESS_DENIED'])
    }
  })

  test('is not at the public address, and no tenant is at the admin address', async () => {
    const envelope = await sealRaw(key, { path: '/admin/v1/applications' })
    const outside = await postEnvelope(`${server.publicUrl}/gateway/keyhaven-admin`, envelope)
    expect([outside.status, outside.sealed]).toEqual([404, false])
    expect((await fetch(`${server.adminUrl}/gateway/demo/manifest`)).status).toBe(404)
    const demo = (await server.admin('GET', '/applications/demo/e2e-keys')).body.items[0]
    expect((await postEnvelope(`${server.adminUrl}/gateway/demo`, await sealRaw(demo))).status).toBe(404)
  })

  test('its keys are managed by its id, and it is in no list', async () => {
    const path = '/applications/keyhaven-admin'
    expect((await server.admin('GET', '/applications')).body.items).toHaveLength(1)
    expect((await server.admin('GET', `${path}/trust`)).body.rootThumbprints).toEqual(rootThumbprints)
    const added = await server.admin('POST', `${path}/e2e-keys`, { suite: 'x25519' })
    expect(added.status).toBe(201)
    await expect
      .poll(async () => (await server.admin('GET', `${path}/e2e-keys/${added.body.id}`)).body.state)
      .toBe('active')
    const [, old] = (await server.admin('GET', `${path}/e2e-keys`)).body.items
    await server.admin('POST', `${path}/e2e-keys/${old.id}/revoke`, { reason: 'rotated' })
    const channel = createChannel({
      url: server.adminUrl,
      applicationId: 'keyhaven-admin',
      trust: { rootThumbprints },
    })
    const headers = { authorization: `Bearer ${TEST_ADMIN_TOKEN}` }
    expect((await channel.fetch('/admin/v1/status', { headers })).status).toBe(200)
    channel.close()
  })
})
