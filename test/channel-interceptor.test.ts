import { getCACertificates, setDefaultCACertificates } from 'node:tls'
import { type ChannelTrust, connect, createMemoryStorage, type Keyhaven } from '@keyhaven/sdk'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { type Captured, type Interceptor, type Order, startMitmproxy } from './kit/mitmproxy.ts'
import { startTlsServer, type TlsServer } from './kit/tls-server.ts'

/*
 * The attacker of docs/guides/channel.md, "Compared to certificate pinning", for real: mitmproxy, with a
 * certificate authority that the app trusts, between the app and a key server with TLS.
 */

const MARKER = 'MARKER-4711-account-DE02120300000000202051'
const GATEWAY = '/gateway/demo'
const E2E_KEYS = '/applications/demo/e2e-keys'

interface Key {
  readonly id: string
  readonly keyId: number
  readonly publicKey: string
  readonly state: string
}

let server: TlsServer
let interceptor: Interceptor
let rootThumbprints: readonly string[]
const open: Keyhaven[] = []

beforeAll(async () => {
  server = await startTlsServer()
  interceptor = await startMitmproxy(server.publicUrl)
  setDefaultCACertificates([...getCACertificates('default'), interceptor.certificateAuthority])
  rootThumbprints = server.rootThumbprints
})

beforeEach(() => interceptor.order())

afterAll(async () => {
  for (const keyhaven of open) keyhaven.close()
  await interceptor?.close()
  await server?.close()
})

/** An app whose only way to the server goes through the interceptor. */
function app(trust: ChannelTrust = { rootThumbprints }, storage = createMemoryStorage()): Keyhaven {
  const keyhaven = connect({ url: interceptor.url, applicationId: 'demo', trust, storage, appVersion: '1.0' })
  open.push(keyhaven)
  return keyhaven
}

function call(keyhaven: Keyhaven): Promise<Response> {
  return keyhaven.fetch(`/v1/echo?account=${MARKER}`, {
    method: 'POST',
    headers: { 'content-type': 'text/plain', 'x-account': MARKER },
    body: MARKER,
  })
}

async function sealedCalls(since = 0): Promise<Captured[]> {
  return (await interceptor.captured()).slice(since).filter((exchange) => exchange.method === 'POST')
}

function bytesOf(exchange: Captured): Buffer {
  return Buffer.concat([
    Buffer.from(exchange.path),
    Buffer.from(JSON.stringify([exchange.requestHeaders, exchange.responseHeaders])),
    exchange.requestBody,
    exchange.responseBody,
  ])
}

async function pinnedTrust(): Promise<ChannelTrust> {
  const { items } = await server.admin<{ items: Key[] }>('GET', E2E_KEYS)
  const key = items.find(({ state }) => state === 'active')!
  return { pinnedKeys: [{ keyId: key.keyId, publicKey: key.publicKey }] }
}

describe('an interceptor that the app trusts', () => {
  test('reads nothing of a sealed call: no path, header, body or answer', async () => {
    const since = (await interceptor.captured()).length
    const answer = await call(app())
    expect(answer.status).toBe(200)
    expect(await answer.text()).toContain(MARKER)

    const seen = (await interceptor.captured()).slice(since)
    expect(seen.map(({ path }) => path)).toEqual([`${GATEWAY}/manifest`, GATEWAY])
    for (const exchange of seen) {
      for (const word of [MARKER, '/v1/echo', 'x-account', 'text/plain']) {
        expect(bytesOf(exchange).includes(word), `${word} in ${exchange.path}`).toBe(false)
      }
    }
  })

  test('reads all of the same call without the channel', async () => {
    const plain = await startTlsServer({ KEYHAVEN_REQUIRE_CHANNEL: 'off' })
    const eavesdropper = await startMitmproxy(plain.publicUrl)
    try {
      const answer = await fetch(`${eavesdropper.url}/v1/echo?account=${MARKER}`, {
        method: 'POST',
        body: MARKER,
      })
      expect(answer.status).toBe(200)
      await answer.text()
      const [exchange] = await eavesdropper.captured()
      expect(exchange!.path).toContain(MARKER)
      expect(exchange!.requestBody.includes(MARKER)).toBe(true)
      expect(exchange!.responseBody.includes(MARKER)).toBe(true)
    } finally {
      await eavesdropper.close()
      await plain.close()
    }
  })

  test('gets nothing that is not sealed out of the server', async () => {
    const answer = await fetch(`${interceptor.url}/v1/echo`, { method: 'POST', body: MARKER })
    expect(answer.status).toBe(403)
    expect(await answer.json()).toMatchObject({ code: 'CHANNEL_REQUIRED' })
  })
})

describe('an interceptor that changes what passes', () => {
  const ENCAPSULATED_KEY = 100
  const LAST_BYTE = -1
  test.each([
    ['the encapsulated key', ENCAPSULATED_KEY],
    ['the sealed bytes', 1_400],
    ['the last byte of the tag', LAST_BYTE],
  ])('a bit of %s in a request: OPEN_FAILED, and the server runs nothing', async (_, offset) => {
    for (const trust of [{ rootThumbprints }, await pinnedTrust()]) {
      const keyhaven = app(trust)
      const before = await server.executed()
      await interceptor.order({ method: 'POST', path: GATEWAY, flip: 'request', offset })
      const code = 'pinnedKeys' in trust ? 'KEY_REVOKED' : 'OPEN_FAILED'
      await expect(call(keyhaven)).rejects.toMatchObject({ code })
      expect(await server.executed()).toBe(before)
      await interceptor.order()
      expect((await call(keyhaven)).status).toBe(200)
    }
  })

  test.each([
    ['its nonce', 3],
    ['its sealed bytes', 60],
  ])('a bit of an answer, in %s: OPEN_FAILED, and no byte of it reaches the app', async (_, offset) => {
    await interceptor.order({ method: 'POST', path: GATEWAY, flip: 'response', offset })
    await expect(call(app()).then((answer) => answer.text())).rejects.toMatchObject({ code: 'OPEN_FAILED' })
  })

  test('a cut answer is an error, never a short body', async () => {
    await interceptor.order({ method: 'POST', path: GATEWAY, cut: 'response', keep: 200_000 })
    const answer = await app().fetch('/v1/echo/stream?pieces=40&bytes=10000')
    expect(answer.status).toBe(200)
    await expect(answer.text()).rejects.toMatchObject({ code: 'OPEN_FAILED' })
  })

  test('a call sent a second time runs nothing', async () => {
    const since = (await interceptor.captured()).length
    await (await call(app())).text()
    const [captured] = await sealedCalls(since)
    const before = await server.executed()
    const again = await fetch(interceptor.url + captured!.path, {
      method: 'POST',
      headers: captured!.requestHeaders.filter(([name]) => name.toLowerCase() === 'content-type') as [
        string,
        string,
      ][],
      body: new Uint8Array(captured!.requestBody),
    })
    expect(again.status).toBe(200) // the refusal is inside the seal, for whoever sealed the call
    expect((await again.bytes()).length).toBeGreaterThan(0)
    expect(await server.executed()).toBe(before)
  })
})

describe('an interceptor that forges', () => {
  const FORGED: Order = {
    method: 'POST',
    path: GATEWAY,
    answer: {
      status: 401,
      type: 'application/problem+json',
      body: JSON.stringify({
        type: 'https://iana.org/assignments/http-problem-types#ohttp-key',
        code: 'KEY_REVOKED',
        status: 401,
        title: 'revoked',
      }),
    },
  }

  test('a refusal of the key does not move a client to another key', async () => {
    for (const trust of [{ rootThumbprints }, await pinnedTrust()]) {
      const keyhaven = app(trust)
      await (await call(keyhaven)).text()
      const { keyId } = keyhaven.status()
      await interceptor.order(FORGED)
      await expect(call(keyhaven)).rejects.toMatchObject({ name: 'KeyhavenError' })
      await interceptor.order()
      expect((await call(keyhaven)).status).toBe(200)
      expect(keyhaven.status().keyId).toBe(keyId)
    }
  })

  test('an answer without a seal is not handed to the app', async () => {
    await interceptor.order({
      ...FORGED,
      answer: { status: 200, type: 'application/json', body: '{"ok":true}' },
    })
    await expect(call(app())).rejects.toMatchObject({ code: 'GATEWAY_REFUSED' })
  })

  test.each([30, 400, -5])('a manifest with a bit changed at %i is refused', async (offset) => {
    await interceptor.order({ method: 'GET', path: GATEWAY, flip: 'response', offset })
    await expect(call(app())).rejects.toMatchObject({
      code: expect.stringMatching(/^(SIGNATURE|MANIFEST)_INVALID$/),
    })
  })

  test('a manifest of another server, under its own root, is refused', async () => {
    // Without TLS, which has nothing to do with it.
    const other = await startTlsServer({ KEYHAVEN_TLS_CERT: '', KEYHAVEN_TLS_KEY: '' })
    try {
      const body = await (await fetch(`${other.publicUrl}${GATEWAY}/manifest`)).text()
      await interceptor.order({
        method: 'GET',
        path: GATEWAY,
        answer: { status: 200, type: 'application/jose', body },
      })
      await expect(call(app())).rejects.toMatchObject({ code: 'SIGNATURE_INVALID' })
    } finally {
      await other.close()
    }
  })
})

describe('a rotation behind an interceptor', () => {
  test('an older manifest, kept back, does not bring a client back to the old key', async () => {
    const storage = createMemoryStorage()
    const keyhaven = app({ rootThumbprints }, storage)
    await (await call(keyhaven)).text()
    const old = (await interceptor.captured()).filter(({ path }) => path.endsWith('/manifest')).at(-1)!
    const added = await server.admin<Key>('POST', E2E_KEYS, {})
    await untilActive(added.id)
    await keyhaven.refresh()
    await (await call(keyhaven)).text()
    expect(keyhaven.status().keyId).toBe(added.keyId)

    await interceptor.order({
      method: 'GET',
      path: GATEWAY,
      answer: { status: 200, type: 'application/jose', body: old.responseBody.toString() },
    })
    await expect(keyhaven.refresh()).rejects.toMatchObject({ code: 'MANIFEST_ROLLED_BACK' })
    const restarted = app({ rootThumbprints }, storage)
    expect((await call(restarted)).status).toBe(200)
    expect(restarted.status().keyId).toBe(added.keyId)
  })

  test('no call of a manifest client fails, and a pinned one is told KEY_REVOKED', async () => {
    const trust = await pinnedTrust()
    const pinned = app(trust)
    const manifest = app()
    await Promise.all([call(pinned), call(manifest)])
    const [oldKeyId] = 'pinnedKeys' in trust ? trust.pinnedKeys.map(({ keyId }) => keyId) : []
    const { items } = await server.admin<{ items: Key[] }>('GET', E2E_KEYS)
    const old = items.find(({ keyId }) => keyId === oldKeyId)!
    const added = await server.admin<Key>('POST', E2E_KEYS, {})
    await untilActive(added.id)
    expect((await call(pinned)).status).toBe(200)
    expect((await call(manifest)).status).toBe(200)
    await server.admin('POST', `${E2E_KEYS}/${old.id}/revoke`, { reason: 'rotation' })
    expect((await call(manifest)).status).toBe(200)
    expect(manifest.status().keyId).toBe(added.keyId)
    await expect(call(pinned)).rejects.toMatchObject({ code: 'KEY_REVOKED' })
  })
})

async function untilActive(id: string): Promise<void> {
  for (;;) {
    const key = await server.admin<Key>('GET', `${E2E_KEYS}/${id}`)
    if (key.state === 'active') return
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
}
