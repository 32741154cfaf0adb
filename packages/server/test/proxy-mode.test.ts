import { once } from 'node:events'
import type { IncomingMessage, Server } from 'node:http'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { connect } from '@keyhaven/sdk'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { ENGINES } from '../../../test/kit/engines.ts'
import { freePort } from '../../../test/kit/free-port.ts'
import type { RawKey } from '../../../test/kit/raw-envelope.ts'
import { postEnvelope, sealRaw } from '../../../test/kit/raw-envelope.ts'
import type { ServerProcess } from '../../../test/kit/server-process.ts'
import { startServerProcess } from '../../../test/kit/server-process.ts'
import type { TestServer } from '../../../test/kit/test-server.ts'
import { callAdmin, startTestServer } from '../../../test/kit/test-server.ts'
import { loadConfig } from '../src/platform/config/load-config.ts'
import { createProxyService } from '../src/proxy/proxy-service.ts'
import { startGateway } from '../src/proxy/start-gateway.ts'

interface Backend {
  readonly origin: string
  readonly seen: string[]
  close(): void
}

/** A backend that knows nothing of the channel. */
async function startBackend(name: string): Promise<Backend> {
  const seen: string[] = []
  const server: Server = createServer(async (request, response) => {
    seen.push(`${request.method} ${request.url}`)
    if (request.url === '/stream') {
      for (let i = 0; i < 20; i++) response.write('x'.repeat(50_000))
      response.end()
      return
    }
    if (request.url === '/redirect') {
      response.writeHead(302, { location: `http://${request.headers.host}/elsewhere` }).end()
      return
    }
    if (request.url === '/hang') return
    const body = {
      name,
      method: request.method,
      url: request.url,
      headers: request.headers,
      bytes: await count(request),
    }
    response.setHeader('content-type', 'application/json')
    response.setHeader('x-keyhaven-error', 'KEY_REVOKED')
    response.end(JSON.stringify(body))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    seen,
    close() {
      server.closeAllConnections()
      server.close()
    },
  }
}

async function count(request: IncomingMessage): Promise<number> {
  let bytes = 0
  for await (const piece of request) bytes += piece.length
  return bytes
}

describe.each(ENGINES)('proxy mode on $name', (engine) => {
  let first: Backend
  let second: Backend
  let other: Backend
  let server: TestServer
  let key: RawKey
  let gateway: string

  beforeAll(async () => {
    first = await startBackend('first')
    second = await startBackend('second')
    other = await startBackend('not configured')
    server = await startTestServer(engine, { KEYHAVEN_UPSTREAMS: `${first.origin},${second.origin}` })
    await server.admin('POST', '/applications', { id: 'shop', suite: 'x25519' })
    key = (await server.admin('GET', '/applications/shop/e2e-keys')).body.items[0]
    gateway = `${server.publicUrl}/gateway/shop`
  })
  afterAll(async () => {
    await server?.dispose()
    for (const backend of [first, second, other]) backend?.close()
  })

  const ask = async (request: Parameters<typeof sealRaw>[1]) =>
    postEnvelope(gateway, await sealRaw(key, request))
  const authority = (backend: Backend) => ({ scheme: 'http', authority: new URL(backend.origin).host })

  test('an existing backend gets sealed calls with no change', async () => {
    const { trust } = (await server.admin('GET', '/applications/shop')).body
    const keyhaven = connect({ url: server.publicUrl, applicationId: 'shop', trust })
    const answer = await keyhaven.fetch('/orders?id=7', {
      method: 'POST',
      body: new Uint8Array(300_000),
      headers: { 'x-forwarded-for': '1.2.3.4' },
    })
    const seen = await answer.json()
    expect(seen).toMatchObject({ name: 'first', method: 'POST', url: '/orders?id=7', bytes: 300_000 })
    expect(seen.headers['x-keyhaven-application']).toBe('shop')
    expect(seen.headers['x-keyhaven-installation']).toMatch(/^[A-Za-z0-9._+-]{1,64}$/)
    expect(seen.headers).not.toHaveProperty('x-forwarded-for')
    // A backend cannot pretend that the gateway refused.
    expect(answer.headers.has('x-keyhaven-error')).toBe(false)
    let bytes = 0
    for await (const piece of (await keyhaven.fetch('/stream')).body!) bytes += piece.length
    expect(bytes).toBe(1_000_000)
    keyhaven.close()
  })

  test('an inner address chooses among the configured backends, and no other', async () => {
    expect((await ask({ ...authority(second), path: '/a' })).json).toMatchObject({
      name: 'second',
      url: '/a',
    })
    expect((await ask({ ...authority(first), path: '/b' })).json).toMatchObject({ name: 'first', url: '/b' })
    const { host, port } = new URL(first.origin)
    for (const refused of [
      authority(other),
      { scheme: 'https', authority: host },
      { scheme: 'http', authority: `localhost.evil.example:${port}` },
      { scheme: 'http', authority: '169.254.169.254' },
      { scheme: 'http', authority: new URL(server.adminUrl).host, path: '/admin/v1/applications' },
      { scheme: 'http', authority: `user@${host}` },
    ]) {
      const answer = await ask({ path: '/x', ...refused })
      expect([refused.authority, answer.sealed, answer.inner!.status < 500]).toEqual([
        refused.authority,
        true,
        true,
      ])
      expect([refused.authority, answer.json.code]).toEqual([
        refused.authority,
        expect.stringMatching(/^(UPSTREAM_REFUSED|WIRE_MALFORMED)$/),
      ])
    }
    expect(other.seen).toEqual([])
    expect(first.seen.filter((line) => line.includes('/x'))).toEqual([])
  })

  test('its own address stands for the first backend, on the port that it listens on and no other', async () => {
    const port = Number(new URL(server.publicUrl).port)
    for (const host of ['127.0.0.1', 'localhost', '[::1]']) {
      const own = await ask({ scheme: 'http', authority: `${host}:${port}`, path: '/own' })
      expect([host, own.json.name]).toEqual([host, 'first'])
      for (const authority of [host, `${host}:${port + 1}`, `${host}:1`]) {
        const answer = await ask({ scheme: 'http', authority, path: '/other-port' })
        expect([authority, answer.json.code]).toEqual([authority, 'UPSTREAM_REFUSED'])
      }
      const https = await ask({ scheme: 'https', authority: `${host}:${port}`, path: '/other-port' })
      expect(https.json.code).toBe('UPSTREAM_REFUSED')
    }
    expect(first.seen).not.toContain('GET /other-port')
  })

  test('CONNECT and TRACE reach nobody', async () => {
    for (const method of ['CONNECT', 'TRACE']) {
      const envelope = await sealRaw(key, { ...authority(first), method, path: '/t' }).catch(() => undefined)
      if (envelope) expect([400, 403]).toContain((await postEnvelope(gateway, envelope)).inner!.status)
    }
    expect(first.seen.filter((line) => line.endsWith('/t'))).toEqual([])
  })

  test('a redirect goes back to the app', async () => {
    const answer = await ask({ ...authority(first), path: '/redirect' })
    expect(answer.inner!.status).toBe(302)
    expect(first.seen).not.toContain('GET /elsewhere')
  })

  test('what a header claims of the caller does not reach the backend', async () => {
    const { json } = await ask({
      ...authority(first),
      path: '/claims',
      headers: [
        ['x-keyhaven-application', 'bank'],
        ['x-keyhaven-installation', 'forged'],
        ['forwarded', 'for=10.0.0.1'],
        ['x-forwarded-host', 'admin'],
      ],
    })
    expect(json.headers['x-keyhaven-application']).toBe('shop')
    for (const name of ['x-keyhaven-installation', 'forwarded', 'x-forwarded-host']) {
      expect(json.headers).not.toHaveProperty(name)
    }
  })

  test('a request hidden in the content of another reaches nobody', async () => {
    const hidden = 'GET /hidden HTTP/1.1\r\nHost: x\r\nX-Keyhaven-Application: bank\r\n\r\n'
    for (const method of ['DELETE', 'OPTIONS']) {
      const { json } = await ask({ ...authority(first), method, path: '/d', body: Buffer.from(hidden) })
      expect(json).toMatchObject({ method, url: '/d', bytes: hidden.length })
    }
    await ask({ ...authority(first), path: '/after' })
    expect(first.seen).not.toContain('GET /hidden')
  })

  test('what is not sealed reaches no backend', async () => {
    const before = first.seen.length
    for (const path of ['/orders', '/v1/echo', '/']) {
      const answer = await fetch(server.publicUrl + path, { redirect: 'manual' })
      expect(answer.status).toBeGreaterThan(299)
    }
    expect(first.seen.length).toBe(before)
  })

  test('a backend that is down is said inside the seal', async () => {
    const gone = await startBackend('gone')
    const server = await startTestServer(engine, { KEYHAVEN_UPSTREAMS: gone.origin })
    try {
      gone.close()
      const { items } = (await server.admin('GET', '/applications/demo/e2e-keys')).body
      const answer = await postEnvelope(
        `${server.publicUrl}/gateway/demo`,
        await sealRaw(items[0], authority(gone)),
      )
      expect([answer.sealed, answer.status, answer.inner!.status]).toEqual([true, 200, 502])
      expect(answer.json.code).toBe('UPSTREAM_FAILED')
      expect(answer.json.detail).toContain('could not reach the backend')
    } finally {
      await server.dispose()
    }
  })
})

describe('settings of proxy mode', () => {
  test('it needs a backend, and its own admin address cannot be one', async () => {
    const port = await freePort()
    const config = loadConfig({ KEYHAVEN_DATA_DIR: '/nonexistent' })
    expect(() => startGateway(config)).toThrow(/name a backend/)
    for (const [listen, upstream] of [
      [`127.0.0.1:${port}`, `http://localhost:${port}`],
      [`127.0.0.1:${port}`, `http://0.0.0.0:${port}`],
      [`0.0.0.0:${port}`, `http://127.0.0.1:${port}`],
      [`[::]:${port}`, `http://[::1]:${port}`],
    ] as const) {
      const env = { KEYHAVEN_DATA_DIR: '/nonexistent', KEYHAVEN_UPSTREAMS: upstream }
      const own = loadConfig({ ...env, KEYHAVEN_ADMIN_LISTEN: listen })
      expect(() => createProxyService(own, {})).toThrow(/admin address/)
    }
  })

  test('its worker processes forward, too', async () => {
    const backend = await startBackend('behind workers')
    const fixture = await startTestServer(ENGINES[0]!)
    const { env } = fixture
    await fixture.close()
    let server: ServerProcess | undefined
    try {
      server = await startServerProcess({ ...env, KEYHAVEN_UPSTREAMS: backend.origin, KEYHAVEN_WORKERS: '2' })
      const { trust } = (await callAdmin(server.adminUrl, 'GET', '/applications/demo')).body
      const keyhaven = connect({ url: server.publicUrl, applicationId: 'demo', trust })
      const answers = await Promise.all(Array.from({ length: 6 }, (_, i) => keyhaven.fetch(`/call/${i}`)))
      expect(answers.map((answer) => answer.status)).toEqual(Array(6).fill(200))
      expect(backend.seen.length).toBe(6)
      keyhaven.close()
    } finally {
      await server?.stop()
      await fixture.dispose()
      backend.close()
    }
  })
})
