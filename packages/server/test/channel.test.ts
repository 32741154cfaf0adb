import { createChannel } from '@keyhaven/channel'
import { connect } from '@keyhaven/sdk'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { ENGINES } from '../../../test/kit/engines.ts'
import type { RawKey } from '../../../test/kit/raw-envelope.ts'
import { newRequestId, postEnvelope, sealRaw } from '../../../test/kit/raw-envelope.ts'
import { TEST_ADMIN_TOKEN } from '../../../test/kit/server-process.ts'
import { type TestClock, testClock } from '../../../test/kit/test-clock.ts'
import type { TestServer } from '../../../test/kit/test-server.ts'
import { startTestServer } from '../../../test/kit/test-server.ts'

const MINUTE_MS = 60_000

describe.each(ENGINES)('the channel on $name', (engine) => {
  let clock: TestClock
  let server: TestServer
  let key: RawKey & { id: string }
  let gateway: string
  let rootThumbprints: string[]

  beforeAll(async () => {
    clock = testClock()
    server = await startTestServer(engine)
    await server.admin('POST', '/applications', { id: 'app', suite: 'x25519' })
    await server.admin('POST', '/applications', { id: 'other', suite: 'x25519' })
    key = (await server.admin('GET', '/applications/app/e2e-keys')).body.items[0]
    rootThumbprints = (await server.admin('GET', '/applications/app')).body.trust.rootThumbprints
    gateway = `${server.publicUrl}/gateway/app`
  })
  afterAll(() => server?.dispose())

  describe('an app', () => {
    test('calls with four lines, and the echo says what came', async () => {
      const keyhaven = connect({ url: server.publicUrl, applicationId: 'app', trust: { rootThumbprints } })
      const answer = await keyhaven.fetch('/v1/echo?x=1', {
        method: 'POST',
        body: 'hello',
        headers: { 'x-mine': 'a' },
      })
      expect(answer.status).toBe(200)
      expect(await answer.json()).toMatchObject({
        method: 'POST',
        path: '/v1/echo?x=1',
        body: 'hello',
        bytes: 5,
        sealed: true,
        application: 'app',
        keyId: key.keyId,
        headers: { 'x-mine': 'a' },
      })
      keyhaven.close()
    })

    test('is answered by whatever name it knows the server, as docs/formats.md says', async () => {
      for (const authority of [new URL(server.publicUrl).host, 'renamed.example']) {
        const answer = await postEnvelope(gateway, await sealRaw(key, { authority }))
        expect([answer.inner?.status, answer.json.path]).toEqual([200, '/v1/echo'])
      }
    })

    test('uploads megabytes, which are counted and hashed, and gets a streamed answer', async () => {
      const keyhaven = connect({ url: server.publicUrl, applicationId: 'app', trust: { rootThumbprints } })
      const upload = await keyhaven.fetch('/v1/echo', { method: 'POST', body: new Uint8Array(5_000_000) })
      expect(await upload.json()).toMatchObject({
        bytes: 5_000_000,
        body: null,
        sha256: expect.stringMatching(/^[0-9a-f]{64}$/),
      })
      const streamed = await keyhaven.fetch('/v1/echo/stream?pieces=20&bytes=50000')
      let bytes = 0
      for await (const piece of streamed.body!) bytes += piece.length
      expect(bytes).toBe(1_000_000)
      const raw = await keyhaven.fetch('/v1/echo/raw', { method: 'POST', body: 'and back' })
      expect(await raw.text()).toBe('and back')
      keyhaven.close()
    })

    test('finds key configurations, also those of the default application', async () => {
      for (const path of ['/gateway/app', '/.well-known/ohttp-gateway']) {
        const answer = await fetch(server.publicUrl + path)
        expect(answer.headers.get('content-type')).toBe('application/ohttp-keys')
        expect(answer.headers.get('access-control-allow-origin')).toBe('*')
        expect((await answer.arrayBuffer()).byteLength).toBeGreaterThan(40)
      }
      const demo = (await server.admin('GET', '/applications/demo/e2e-keys')).body.items[0]
      const answer = await postEnvelope(`${server.publicUrl}/.well-known/ohttp-gateway`, await sealRaw(demo))
      expect(answer.json).toMatchObject({ application: 'demo' })
    })

    test('in a browser on another origin may call the gateway', async () => {
      const preflight = await fetch(gateway, {
        method: 'OPTIONS',
        headers: { origin: 'https://app.example', 'access-control-request-method': 'POST' },
      })
      expect(preflight.status).toBe(204)
      expect(preflight.headers.get('access-control-allow-origin')).toBe('*')
      expect(preflight.headers.get('access-control-allow-headers')).toContain('content-type')
      expect(preflight.headers.has('access-control-allow-credentials')).toBe(false)
      const answer = await fetch(gateway, {
        method: 'POST',
        headers: { 'content-type': 'message/ohttp-req' },
        body: (await sealRaw(key)).bytes,
      })
      expect(answer.headers.get('access-control-allow-origin')).toBe('*')
    })
  })

  describe('outside the seal', () => {
    test('/v1 is refused, whatever a header or a path claims', async () => {
      for (const [path, headers] of [
        ['/v1/echo', {}],
        [
          '/v1/echo',
          { 'x-keyhaven-application': 'app', 'x-keyhaven-sealed': '1', 'x-keyhaven-client': 'id=a' },
        ],
        ['/v1/echo', { authorization: `Bearer ${TEST_ADMIN_TOKEN}` }],
        ['/v1/applications/app/echo', {}],
        ['/v1', {}],
        ['/v1/', {}],
        ['//v1/echo', {}],
        ['/./v1/echo', {}],
      ] as const) {
        const answer = await fetch(server.publicUrl + path, { headers })
        expect([path, (await answer.json()).code]).toEqual([
          path,
          path.startsWith('//') ? 'NOT_FOUND' : 'CHANNEL_REQUIRED',
        ])
      }
    })

    test('/v1 answers where the operator has said so, and says that it was not sealed', async () => {
      const open = await startTestServer(engine, { KEYHAVEN_REQUIRE_CHANNEL: 'off' })
      try {
        const answer = await fetch(`${open.publicUrl}/v1/echo`, {
          method: 'POST',
          body: 'hi',
          headers: { 'x-keyhaven-application': 'demo' },
        })
        expect(await answer.json()).toMatchObject({
          body: 'hi',
          sealed: false,
          application: null,
          keyId: null,
        })
      } finally {
        await open.dispose()
      }
    })
  })

  describe('inside the seal', () => {
    test('only /v1 can be called: never the admin API, a gateway or the metrics', async () => {
      for (const path of [
        '/admin/v1/applications',
        '/admin/v1/session',
        '/gateway/app',
        '/gateway/app/manifest',
        '/.well-known/ohttp-gateway',
        '/metrics',
        '/healthz',
        '/openapi.json',
        '/',
        '/v1/../admin/v1/applications',
        '/v1/%2e%2e/admin/v1/applications',
        '/v1/..%2fadmin/v1/applications',
        '/v1x',
        '/V1/echo',
        '//v1/echo',
      ]) {
        const answer = await postEnvelope(
          gateway,
          await sealRaw(key, { path, headers: [['authorization', `Bearer ${TEST_ADMIN_TOKEN}`]] }),
        )
        expect([path, answer.sealed]).toEqual([path, true])
        expect([path, [400, 403, 404].includes(answer.inner!.status)]).toEqual([path, true])
        expect(JSON.stringify(answer.json)).not.toContain('rootThumbprints')
      }
    })

    test('an application that a path names must be the one whose key opened the request', async () => {
      const other = await postEnvelope(
        gateway,
        await sealRaw(key, { path: '/v1/applications/other/anything' }),
      )
      expect([other.inner!.status, other.json.code]).toEqual([403, 'ACCESS_DENIED'])
      const own = await postEnvelope(gateway, await sealRaw(key, { path: '/v1/applications/app/anything' }))
      expect(own.inner!.status).toBe(404)
    })

    test('a request sealed for one application does not open at the address of another', async () => {
      const { body } = await server.admin('GET', '/applications/other/e2e-keys')
      const otherKey = body.items[0]
      const answer = await postEnvelope(`${server.publicUrl}/gateway/other`, await sealRaw(key))
      expect(answer.sealed).toBe(false)
      expect(answer.json.code).toBe(otherKey.keyId === key.keyId ? 'OPEN_FAILED' : 'KEY_UNKNOWN')
      expect(
        (await postEnvelope(`${server.publicUrl}/gateway/keyhaven-admin`, await sealRaw(key))).status,
      ).toBe(404)
    })

    test('headers that claim an application or an installation change nothing', async () => {
      const answer = await postEnvelope(
        gateway,
        await sealRaw(key, {
          headers: [
            ['x-keyhaven-application', 'other'],
            ['x-keyhaven-installation', 'forged'],
            ['x-keyhaven-key-id', '0'],
          ],
        }),
      )
      expect(answer.json).toMatchObject({ application: 'app', keyId: key.keyId })
      expect(JSON.stringify(answer.json)).not.toContain('forged')
    })
  })

  describe('at most once', () => {
    test('a captured request runs once', async () => {
      const envelope = await sealRaw(key)
      expect((await postEnvelope(gateway, envelope)).inner!.status).toBe(200)
      const again = await postEnvelope(gateway, envelope)
      expect([again.inner!.status, again.json.code]).toEqual([409, 'REPLAYED'])
    })

    test('of twenty at once, too', async () => {
      const envelope = await sealRaw(key)
      const answers = await Promise.all(Array.from({ length: 20 }, () => postEnvelope(gateway, envelope)))
      expect(answers.filter((answer) => answer.inner!.status === 200)).toHaveLength(1)
    })

    test('a request id in a new envelope is refused; the same id of another application is not', async () => {
      const requestId = newRequestId()
      expect((await postEnvelope(gateway, await sealRaw(key, { requestId }))).inner!.status).toBe(200)
      expect((await postEnvelope(gateway, await sealRaw(key, { requestId }))).json.code).toBe('REPLAYED')
      const other = (await server.admin('GET', '/applications/other/e2e-keys')).body.items[0]
      const answer = await postEnvelope(
        `${server.publicUrl}/gateway/other`,
        await sealRaw(other, { requestId }),
      )
      expect(answer.inner!.status).toBe(200)
    })

    test('an old request is refused inside the seal', async () => {
      const answer = await postEnvelope(gateway, await sealRaw(key, { date: Date.now() - 3 * MINUTE_MS }))
      expect([answer.sealed, answer.json.code]).toEqual([true, 'CLOCK_SKEW'])
    })
  })

  describe('would this envelope be accepted?', () => {
    const check = async (bytes: Uint8Array<ArrayBuffer>, id = 'app', token = TEST_ADMIN_TOKEN) => {
      const answer = await fetch(`${server.adminUrl}/admin/v1/applications/${id}/check`, {
        method: 'POST',
        headers: { authorization: `Bearer ${token}`, 'content-type': 'message/ohttp-req' },
        body: bytes,
      })
      return { status: answer.status, body: await answer.json() }
    }

    test('yes, and it is not marked as seen', async () => {
      const envelope = await sealRaw(key)
      expect((await check(envelope.bytes)).body).toEqual({ accepted: true })
      expect((await check(envelope.bytes)).body).toEqual({ accepted: true })
      expect((await postEnvelope(gateway, envelope)).inner!.status).toBe(200)
      expect((await check(envelope.bytes)).body).toMatchObject({ accepted: false, reason: 'replayed' })
    })

    test('no, and why', async () => {
      const envelope = await sealRaw(key)
      const altered = envelope.bytes.slice()
      altered[altered.length - 1]! ^= 1
      expect((await check(altered)).body).toMatchObject({ accepted: false, reason: 'not-openable' })
      const unknown = envelope.bytes.slice()
      unknown[0] = 255
      expect((await check(unknown)).body).toMatchObject({ reason: 'unknown-key' })
      const late = await sealRaw(key, { date: Date.now() - 3 * MINUTE_MS })
      expect((await check(late.bytes)).body).toMatchObject({ reason: 'clock' })
      expect((await check(new Uint8Array(3))).body.accepted).toBe(false)
      expect((await check(envelope.bytes, 'nothing')).status).toBe(404)
    })

    test('is audited, needs a key manager, and has a limit', async () => {
      const { items } = (await server.admin('GET', '/audit?action=channel.check&applicationId=app')).body
      expect(items.length).toBeGreaterThanOrEqual(7)
      expect(items[0].detail).toMatchObject({ accepted: expect.any(Boolean) })
      const auditor = (await server.admin('POST', '/tokens', { name: 'looks', roles: ['auditor'] })).body
        .token
      const envelope = await sealRaw(key)
      expect((await check(envelope.bytes, 'app', auditor)).status).toBe(403)
      const statuses: number[] = []
      clock.hold()
      for (let i = 0; i < 25; i++) statuses.push((await check(new Uint8Array(3))).status)
      clock.go()
      expect(statuses).toContain(429)
      const refused = async (id: string) => {
        const { body } = await server.admin('GET', `/audit?action=channel.check&applicationId=${id}`)
        return body.items.map((item: { detail: { refused?: string } }) => item.detail.refused)
      }
      // Of many in a row over the limit one entry is enough.
      const runs = statuses.filter((status, i) => status === 429 && statuses[i - 1] !== 429)
      expect((await refused('app')).filter((code: string) => code === 'RATE_LIMITED')).toHaveLength(
        runs.length,
      )
      expect(await refused('nothing')).toEqual(['NOT_FOUND'])
    })

    test('a long body is refused', async () => {
      const manager = (await server.admin('POST', '/tokens', { name: 'long', roles: ['key-manager'] })).body
        .token
      expect((await check(new Uint8Array(2_000_000), 'app', manager)).status).toBe(413)
    })
  })

  test('usage follows the calls: shares, versions, last use, and the verdict', async () => {
    const { body: made } = await server.admin('POST', '/applications', { id: 'used', suite: 'x25519' })
    const [first] = (await server.admin('GET', '/applications/used/e2e-keys')).body.items
    const trust = { rootThumbprints: made.trust.rootThumbprints }
    const url = server.publicUrl
    const pinned = createChannel({
      url,
      applicationId: 'used',
      appVersion: '1.0',
      trust: { pinnedKeys: [{ keyId: first.keyId, publicKey: first.publicKey }] },
    })
    const managed = createChannel({ url, applicationId: 'used', appVersion: '2.0', trust })
    for (let i = 0; i < 3; i++) expect((await pinned.fetch('/v1/echo')).status).toBe(200)
    expect((await managed.fetch('/v1/echo')).status).toBe(200)

    const usage = async () => (await server.admin('GET', '/applications/used/e2e-keys/usage?window=24h')).body
    const before = await usage()
    expect(before).toMatchObject({ requests: 4, installations: 2 })
    expect(before.keys[0]).toMatchObject({ id: first.id, requests: 4, requestShare: 1, installations: 2 })
    expect(before.keys[0].verdict).toMatchObject({ safe: false, installations: 2 })
    expect(before.series).toEqual([
      expect.objectContaining({ keyId: first.keyId, appVersion: '1.0', requests: 3 }),
      expect.objectContaining({ keyId: first.keyId, appVersion: '2.0', requests: 1 }),
    ])

    await server.admin('POST', '/applications/used/e2e-keys', { suite: 'x25519' })
    await expect
      .poll(async () => (await server.admin('GET', '/applications/used')).body.keyCounts)
      .toMatchObject({ active: 1, retiring: 1 })
    await managed.refresh()
    expect((await managed.fetch('/v1/echo')).status).toBe(200)
    const after = await usage()
    const old = after.keys.find((other: { id: string }) => other.id === first.id)
    expect(old).toMatchObject({ state: 'retiring', installations: 1, installationShare: 0.5 })
    expect(old.verdict).toMatchObject({
      safe: false,
      installations: 1,
      byAppVersion: [{ appVersion: '1.0', installations: 1 }],
    })
    const [, shown] = (await server.admin('GET', '/applications/used/e2e-keys')).body.items
    expect(Date.parse(shown.lastUsedAt)).toBeGreaterThan(Date.now() - MINUTE_MS)

    await server.admin('POST', `/applications/used/e2e-keys/${first.id}/revoke`, { reason: 'moved' })
    await expect(pinned.fetch('/v1/echo')).rejects.toMatchObject({ code: 'KEY_REVOKED' })
    expect((await managed.fetch('/v1/echo')).status).toBe(200)
    expect((await server.admin('GET', '/applications/used/e2e-keys/usage?window=1')).status).toBe(400)
    expect((await server.admin('GET', '/applications/used/e2e-keys/usage?window=91d')).status).toBe(400)
    pinned.close()
    managed.close()
  })

  test('metrics count sealed calls by outcome, and only on the admin address', async () => {
    const text = await (await fetch(`${server.adminUrl}/metrics`)).text()
    expect(text).toMatch(/keyhaven_channel_exchanges_total\{outcome="ok"\} \d+/)
    expect(text).toMatch(/keyhaven_usage_installations_left_out_total 0/)
    expect(text).toMatch(/keyhaven_channel_exchanges_total\{outcome="REPLAYED"\} \d+/)
    expect((await fetch(`${server.publicUrl}/metrics`)).status).toBe(404)
  })
})
