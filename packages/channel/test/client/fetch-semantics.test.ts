import type { CryptoBackend } from '@keyhaven/crypto'
import { nobleBackend } from '@keyhaven/crypto/noble'
import { nodeBackend } from '@keyhaven/crypto/node'
import { webBackend } from '@keyhaven/crypto/web'
import { beforeEach, describe, expect, test } from 'vitest'
import { byteStream } from './byte-stream.ts'
import { codeOf, createTestServer, SERVER_URL, type TestServer } from './test-server.ts'

const BACKENDS: readonly CryptoBackend[] = [nodeBackend, webBackend, nobleBackend]

let server: TestServer

beforeEach(async () => {
  server = await createTestServer()
})

describe.each(BACKENDS.map((backend) => [backend.name, backend] as const))('on %s', (_, backend) => {
  test.each(['x25519', 'x-wing', 'p-256'] as const)('a call sealed to %s comes back', async (kem) => {
    server = await createTestServer({ kem })
    const response = await server.channel({ backend }).fetch('/v1/echo', { method: 'POST', body: 'hello' })
    expect(response.status).toBe(200)
    expect(await response.json()).toMatchObject({ method: 'POST', body: 'hello' })
  })

  test('a streamed upload and a streamed answer', async () => {
    server.handler = async (request) => new Response(request.body)
    const pieces = ['one ', 'two ', 'x'.repeat(100_000)].map((text) => new TextEncoder().encode(text))
    const init = { method: 'POST', body: byteStream(pieces), duplex: 'half' }
    const response = await server.channel({ backend }).fetch('/v1/echo', init as RequestInit)
    expect(await response.text()).toBe(`one two ${'x'.repeat(100_000)}`)
  })
})

describe('the request', () => {
  const echoed = async (input: string | URL | Request, init?: RequestInit) =>
    (await server.channel().fetch(input, init)).json()

  test('string, URL, Request and relative paths reach the same place', async () => {
    for (const input of [
      '/v1/echo?a=1',
      'v1/echo?a=1',
      `${SERVER_URL}/v1/echo?a=1`,
      new URL('/v1/echo?a=1', SERVER_URL),
      new Request(`${SERVER_URL}/v1/echo?a=1#part`),
    ]) {
      expect((await echoed(input)).url).toBe(`${SERVER_URL}/v1/echo?a=1`)
    }
  })

  test('every kind of body arrives with the type that fetch gives it', async () => {
    const bytes = new TextEncoder().encode('bytes')
    const cases: [BodyInit, string, string | undefined][] = [
      ['text', 'text', 'text/plain;charset=UTF-8'],
      [
        new URLSearchParams({ a: '1', b: 'ü' }),
        'a=1&b=%C3%BC',
        'application/x-www-form-urlencoded;charset=UTF-8',
      ],
      [bytes, 'bytes', undefined],
      [bytes.buffer, 'bytes', undefined],
      [new DataView(bytes.buffer, 1, 3), 'yte', undefined],
      [new Blob(['blob'], { type: 'text/x-blob' }), 'blob', 'text/x-blob'],
      [new Blob(['blob']), 'blob', undefined],
      ['', '', 'text/plain;charset=UTF-8'],
    ]
    for (const [body, text, type] of cases) {
      const { body: received, headers } = await echoed('/v1/echo', { method: 'POST', body })
      expect([received, headers['content-type']]).toEqual([text, type])
      expect(headers['content-length']).toBe(String(text.length))
    }
  })

  test('a form arrives with its boundary, and the app can still set a type of its own', async () => {
    const form = new FormData()
    form.set('name', 'value')
    form.set('file', new Blob(['content'], { type: 'text/plain' }), 'a.txt')
    server.handler = async (request) => {
      const received = await request.formData()
      return Response.json([received.get('name'), await (received.get('file') as File).text()])
    }
    const response = await server.channel().fetch('/v1/form', { method: 'POST', body: form })
    expect(await response.json()).toEqual(['value', 'content'])
    server = await createTestServer()
    const { headers } = await echoed('/', {
      method: 'POST',
      body: '{}',
      headers: { 'Content-Type': 'application/json' },
    })
    expect(headers['content-type']).toBe('application/json')
  })

  test('a Request with a body is used up, and refused the second time', async () => {
    const request = new Request(`${SERVER_URL}/v1/echo`, { method: 'PUT', body: 'once' })
    expect(await echoed(request)).toMatchObject({ method: 'PUT', body: 'once' })
    expect(request.bodyUsed).toBe(true)
    expect(await codeOf(server.channel().fetch(request))).toBe('TypeError')
  })

  test('init overrides a Request', async () => {
    const request = new Request(`${SERVER_URL}/v1/echo`, { method: 'PUT', headers: { a: '1' }, body: 'old' })
    const init = { method: 'PATCH', headers: { b: '2' }, body: 'new' }
    const { method, headers, body } = await echoed(request, init)
    expect([method, headers.a, headers.b, body]).toEqual(['PATCH', undefined, '2', 'new'])
    expect(request.bodyUsed).toBe(false)
  })

  test('headers of the connection stay outside, and those of the channel cannot be set', async () => {
    const { headers } = await echoed('/', {
      headers: { connection: 'close', 'accept-encoding': 'gzip', host: 'evil.test', 'x-mine': 'yes' },
    })
    expect(headers.connection).toBeUndefined()
    expect(headers['accept-encoding']).toBeUndefined()
    expect(headers['x-mine']).toBe('yes')
    expect(headers.accept).toBe('*/*')
    expect(Object.keys(headers).filter((name) => name.startsWith('x-keyhaven'))).toEqual([])
    const reserved = { headers: { 'X-Keyhaven-Client': 'id=someone' } }
    expect(await codeOf(server.channel().fetch('/', reserved))).toBe('TypeError')
  })

  test('the gateway learns the installation, the app and the SDK', async () => {
    const clients: unknown[] = []
    server = await createTestServer({ gateway: { onExchange: ({ client }) => clients.push(client) } })
    const channel = server.channel({ appVersion: '1.2.3' })
    await channel.fetch('/')
    await channel.fetch('/')
    expect(clients[0]).toMatchObject({ appVersion: '1.2.3', sdkVersion: '0.1.0', trust: 'manifest' })
    expect(clients[0]).toEqual(clients[1])
  })

  test('what fetch refuses is refused', async () => {
    const { fetch } = server.channel()
    const cases: [string, RequestInit][] = [
      ['/', { method: 'GET', body: 'x' }],
      ['/', { method: 'CONNECT' }],
      ['/', { method: 'bad method' }],
      ['/', { headers: { 'bad name': 'x' } }],
      ['ftp://server.test/', {}],
      ['https://user:password@server.test/', {}],
      ['/', { method: 'POST', body: new ReadableStream() }],
      ['/', { method: 'POST', body: byteStream(['text']), duplex: 'half' } as RequestInit],
      ['/', { integrity: 'sha256-AAAA' }],
    ]
    for (const [input, init] of cases) expect(await codeOf(fetch(input, init))).toBe('TypeError')
    expect(server.runs).toEqual([])
  })

  test('nothing of the request shows outside the seal', async () => {
    const marker = 'MARKER-in-clear'
    const seen: string[] = []
    server.attack = async (request, forward) => {
      const bytes = await request.clone().arrayBuffer()
      seen.push(request.url, JSON.stringify([...request.headers]), Buffer.from(bytes).toString('latin1'))
      expect(request.credentials).toBe('omit')
      expect(request.referrerPolicy).toBe('no-referrer')
      return forward(request)
    }
    const init = { method: 'POST', body: marker, headers: { 'x-marker': marker, cookie: marker } }
    expect(await echoed(`/v1/${marker}?${marker}`, init)).toMatchObject({ body: marker })
    expect(seen.length).toBeGreaterThan(0)
    expect(seen.join('\n')).not.toContain(marker)
  })
})

describe('the response', () => {
  test('is a Response with url, status, headers and a body that streams', async () => {
    server.handler = () =>
      new Response(byteStream([new TextEncoder().encode('streamed')]), {
        status: 201,
        headers: [
          ['x-answer', 'yes'],
          ['set-cookie', 'a=1'],
          ['set-cookie', 'b=2'],
        ],
      })
    const response = await server.channel().fetch('/v1/echo?q=1#part')
    expect(response).toBeInstanceOf(Response)
    expect([response.status, response.ok, response.url, response.redirected]).toEqual([
      201,
      true,
      `${SERVER_URL}/v1/echo?q=1`,
      false,
    ])
    expect(response.headers.get('x-answer')).toBe('yes')
    expect(response.headers.getSetCookie()).toEqual(['a=1', 'b=2'])
    const clone = response.clone()
    expect(clone.url).toBe(response.url)
    expect([await response.text(), await clone.text()]).toEqual(['streamed', 'streamed'])
  })

  test.each([204, 205, 304])('a %i has no body', async (status) => {
    server.handler = () => new Response(null, { status })
    const response = await server.channel().fetch('/')
    expect([response.status, response.body]).toEqual([status, null])
  })

  test('an answer to HEAD has headers and no body', async () => {
    server.handler = () => new Response(null, { headers: { 'content-length': '5' } })
    const response = await server.channel().fetch('/', { method: 'HEAD' })
    expect([response.status, response.headers.get('content-length'), response.body]).toEqual([200, '5', null])
  })

  test('errors of the application are responses, not exceptions', async () => {
    server.handler = () => new Response('no', { status: 404 })
    const response = await server.channel().fetch('/')
    expect([response.status, await response.text()]).toEqual([404, 'no'])
  })

  test('a refusal inside the seal is a response too, without the fields of the channel', async () => {
    server = await createTestServer({ gateway: { allowPath: (path) => path.startsWith('/v1/') } })
    const response = await server.channel().fetch('/admin')
    expect([response.status, (await response.json()).code]).toEqual([403, 'ACCESS_DENIED'])
    expect([...response.headers.keys()].filter((name) => name.startsWith('x-keyhaven'))).toEqual([])
    expect([server.posts, server.runs]).toEqual([1, []])
  })

  test('an answer of the application that reads like one of the gateway is only an answer', async () => {
    const problem = { code: 'REPLAYED', status: 409, now: 0, burned: true }
    server.handler = () =>
      Response.json(problem, { status: 409, headers: { 'x-keyhaven-error': 'REPLAYED' } })
    const response = await server.channel().fetch('/')
    expect([response.status, await response.json()]).toEqual([409, problem])
    expect(response.headers.get('x-keyhaven-error')).toBeNull()
  })

  test('cancelling the body ends the stream at the server', async () => {
    let cancelled = false
    server.handler = () => {
      const body = new ReadableStream({
        pull: (controller) => controller.enqueue(new Uint8Array(70_000)),
        cancel: () => {
          cancelled = true
        },
      })
      return new Response(body)
    }
    const response = await server.channel().fetch('/')
    const reader = response.body!.getReader()
    await reader.read()
    await reader.cancel()
    await expect.poll(() => cancelled).toBe(true)
  })
})

describe('redirects', () => {
  beforeEach(() => {
    server.handler = async (request) => {
      const { pathname, searchParams } = new URL(request.url)
      if (pathname === '/end') return Response.json({ method: request.method, body: await request.text() })
      const location = searchParams.has('loop') ? request.url : (searchParams.get('to') ?? '/end')
      return new Response(null, { status: Number(pathname.slice(1)), headers: { location } })
    }
  })

  test('manual gives the redirect as it is', async () => {
    const response = await server.channel().fetch('/302', { redirect: 'manual' })
    expect([response.status, response.headers.get('location')]).toEqual([302, '/end'])
  })

  test('error throws', async () => {
    expect(await codeOf(server.channel().fetch('/302', { redirect: 'error' }))).toBe('TypeError')
  })

  test.each([
    [301, 'POST', 'GET', ''],
    [302, 'POST', 'GET', ''],
    [303, 'PUT', 'GET', ''],
    [302, 'PUT', 'PUT', 'body'],
    [307, 'POST', 'POST', 'body'],
    [308, 'POST', 'POST', 'body'],
  ])('%i after %s is followed with %s', async (status, method, followed, body) => {
    const response = await server.channel().fetch(`/${status}`, { method, body: 'body' })
    expect(await response.json()).toEqual({ method: followed, body })
    expect([response.url, response.redirected]).toEqual([`${SERVER_URL}/end`, true])
  })

  test('another origin is not followed', async () => {
    for (const to of ['https://elsewhere.test/', 'http://server.test/end', '//elsewhere.test/end']) {
      expect(await codeOf(server.channel().fetch(`/302?to=${encodeURIComponent(to)}`))).toBe('TypeError')
    }
    expect(server.runs).not.toContain('GET /end')
  })

  test('a loop ends', async () => {
    expect(await codeOf(server.channel().fetch('/302?loop'))).toBe('TypeError')
    expect(server.runs).toHaveLength(21)
  })

  test('a consumed stream is not sent again', async () => {
    const init = { method: 'POST', body: byteStream([new Uint8Array(1)]), duplex: 'half' }
    expect(await codeOf(server.channel().fetch('/307', init as RequestInit))).toBe('TypeError')
  })
})

describe('abort', () => {
  test('before the call nothing is sent', async () => {
    const error = await server
      .channel()
      .fetch('/', { signal: AbortSignal.abort() })
      .catch((reason) => reason)
    expect(error).toBeInstanceOf(DOMException)
    expect(error.name).toBe('AbortError')
    expect([server.posts, server.manifestFetches]).toEqual([0, 0])
  })

  test('while the answer is awaited', async () => {
    const abort = new AbortController()
    server.handler = async () => {
      abort.abort()
      return new Promise<Response>(() => {})
    }
    const error = await server
      .channel()
      .fetch('/', { signal: abort.signal })
      .catch((reason) => reason)
    expect([error instanceof DOMException, error.name]).toEqual([true, 'AbortError'])
  })

  test('while the manifest is fetched, without ending the fetch that others wait for', async () => {
    const channel = server.channel()
    const abort = new AbortController()
    const { promise: gate, resolve: open } = Promise.withResolvers<void>()
    server.attack = async (request, forward) => {
      await gate
      return forward(request)
    }
    const aborted = codeOf(channel.fetch('/', { signal: abort.signal }))
    const other = channel.fetch('/')
    abort.abort()
    expect(await aborted).toBe('AbortError')
    open()
    expect((await other).status).toBe(200)
    expect(server.manifestFetches).toBe(1)
  })

  test('while the answer streams, and with a reason of the caller', async () => {
    const abort = new AbortController()
    server.handler = () => {
      let count = 0
      const body = new ReadableStream({
        pull: (controller) =>
          count++ === 0 ? controller.enqueue(new Uint8Array(10)) : new Promise(() => {}),
      })
      return new Response(body)
    }
    const response = await server.channel().fetch('/', { signal: abort.signal })
    const reader = response.body!.getReader()
    expect((await reader.read()).done).toBe(false)
    const pending = reader.read().catch((reason) => reason)
    abort.abort(new Error('mine'))
    expect((await pending).message).toBe('mine')
  })

  test('a signal of the Request counts too', async () => {
    const request = new Request(SERVER_URL, { signal: AbortSignal.abort() })
    expect(await codeOf(server.channel().fetch(request))).toBe('AbortError')
  })
})

describe('the channel', () => {
  test('a closed one refuses calls', async () => {
    const channel = server.channel()
    channel.close()
    expect(await codeOf(channel.fetch('/'))).toBe('TypeError')
    expect(server.posts).toBe(0)
  })

  test('options that cannot be right are refused at once', () => {
    const create = (changes: object) => () => server.channel(changes)
    for (const changes of [
      { url: 'ftp://server.test' },
      { url: 'https://user:pw@server.test' },
      { url: 'https://server.test/?a' },
      { url: 'no url' },
      { applicationId: 'Not/An/Id' },
      { appVersion: 'with space' },
      { trust: { rootThumbprints: [] } },
      { trust: { rootThumbprints: ['short'] } },
      { trust: { rootThumbprints: Array(9).fill('A'.repeat(43)) } },
    ]) {
      expect(create(changes)).toThrow(TypeError)
    }
  })

  test('a failure of the network is the TypeError of fetch', async () => {
    const failure = new TypeError('fetch failed')
    server.attack = async (request, forward) => {
      if (request.method === 'POST') throw failure
      return forward(request)
    }
    await expect(server.channel().fetch('/')).rejects.toBe(failure)
    expect(server.posts).toBe(1)
  })
})
