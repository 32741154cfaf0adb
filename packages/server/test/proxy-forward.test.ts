import { once } from 'node:events'
import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createServer as createTcpServer } from 'node:net'
import { afterEach, describe, expect, test } from 'vitest'
import { createForwarder } from '../src/proxy/forward.ts'

/** Of a backend that is silent; the others answer, however slow the machine is. */
const TIMEOUT_MS = 300
const context = {
  applicationId: 'demo',
  client: { installationId: 'inst-1', appVersion: '1', sdkVersion: '1', trust: 'manifest' as const },
}
const closers: (() => void)[] = []

afterEach(() => {
  for (const close of closers.splice(0)) close()
})

async function backend(handler: (request: IncomingMessage, response: ServerResponse) => void): Promise<URL> {
  const server: Server = createServer(handler)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  closers.push(() => {
    server.closeAllConnections()
    server.close()
  })
  return new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}`)
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  let text = ''
  for await (const piece of request) text += String(piece)
  return text
}

const forward = createForwarder()

describe('what a backend gets', () => {
  test('method, path, query and body, and who called; no header that only a proxy may set', async () => {
    const upstream = await backend(async (request, response) => {
      response.end(
        JSON.stringify({
          method: request.method,
          url: request.url,
          headers: request.headers,
          body: await bodyOf(request),
        }),
      )
    })
    const request = new Request('http://gateway.example/orders?id=7', {
      method: 'POST',
      body: 'hello',
      headers: {
        'content-type': 'text/plain',
        authorization: 'Bearer app',
        'x-forwarded-for': '1.2.3.4',
        'x-forwarded-proto': 'https',
        forwarded: 'for=1.2.3.4',
        'x-real-ip': '1.2.3.4',
        'x-keyhaven-application': 'another',
        'x-keyhaven-installation': 'forged',
        'x-keyhaven-admin': 'yes',
        'x-hop': 'mine',
      },
    })
    const seen = await (await forward(request, upstream, context)).json()
    expect(seen).toMatchObject({ method: 'POST', url: '/orders?id=7', body: 'hello' })
    expect(seen.headers).toMatchObject({
      host: upstream.host,
      authorization: 'Bearer app',
      'content-type': 'text/plain',
      'accept-encoding': 'identity',
      'x-keyhaven-application': 'demo',
      'x-keyhaven-installation': 'inst-1',
      'x-hop': 'mine',
    })
    for (const name of [
      'x-forwarded-for',
      'x-forwarded-proto',
      'forwarded',
      'x-real-ip',
      'x-keyhaven-admin',
    ]) {
      expect(seen.headers).not.toHaveProperty(name)
    }
  })

  test('no hop-by-hop header, nor one that Connection names', async () => {
    const upstream = await backend((request, response) => response.end(JSON.stringify(request.headers)))
    const headers = new Map([
      ['connection', 'keep-alive, X-Hop'],
      ['x-hop', 'mine'],
      ['te', 'trailers'],
      ['upgrade', 'websocket'],
      ['proxy-authorization', 'Basic x'],
    ])
    // A Request of the platform refuses some of these itself; the gateway's is read from Binary HTTP.
    const request = Object.assign(new Request('http://gateway.example/'), {})
    Object.defineProperty(request, 'headers', {
      value: Object.assign(headers, { get: (name: string) => Map.prototype.get.call(headers, name) ?? null }),
    })
    const seen = await (await forward(request, upstream, context)).json()
    for (const name of ['x-hop', 'te', 'upgrade', 'proxy-authorization'])
      expect(seen).not.toHaveProperty(name)
  })

  test('a body of unknown length as it comes', async () => {
    let first: (text: string) => void = () => {}
    const arrived = new Promise<string>((resolve) => {
      first = resolve
    })
    const upstream = await backend(async (request, response) => {
      request.once('data', (piece) => first(String(piece)))
      await once(request, 'end')
      response.end('done')
    })
    let push: ReadableStreamDefaultController<Uint8Array> | undefined
    const body = new ReadableStream<Uint8Array>({
      start(controller) {
        push = controller
      },
    })
    const answer = forward(
      new Request('http://gateway.example/', { method: 'POST', body, duplex: 'half' } as RequestInit),
      upstream,
      context,
    )
    push!.enqueue(Buffer.from('one'))
    expect(await arrived).toBe('one')
    push!.close()
    expect(await (await answer).text()).toBe('done')
  })

  test('no more bytes than Content-Length says, so nothing can be smuggled behind a body', async () => {
    const seen: string[] = []
    const upstream = await backend(async (request, response) => {
      seen.push(`${request.method} ${request.url}`)
      response.end(await bodyOf(request).catch(() => 'cut'))
    })
    const request = new Request('http://gateway.example/a', {
      method: 'POST',
      body: 'abcGET /admin HTTP/1.1\r\nHost: x\r\n\r\n',
      headers: { 'content-length': '3' },
    })
    const answer = await forward(request, upstream, context)
    expect(answer.status).toBe(502)
    expect(seen.filter((line) => line.includes('/admin'))).toEqual([])
  })

  test.each(['DELETE', 'OPTIONS', 'PATCH'])(
    'content of a %s as content, not as a next request',
    async (method) => {
      const seen: string[] = []
      const upstream = await backend(async (request, response) => {
        seen.push(`${request.method} ${request.url}`)
        response.end(await bodyOf(request))
      })
      const body = 'GET /admin HTTP/1.1\r\nHost: x\r\nX-Keyhaven-Application: other\r\n\r\n'
      const request = new Request('http://gateway.example/a', { method, body })
      expect(await (await forward(request, upstream, context)).text()).toBe(body)
      await forward(new Request('http://gateway.example/b'), upstream, context)
      expect(seen).toEqual([`${method} /a`, 'GET /b'])
    },
  )

  test('no header that a CGI, WSGI or Rack backend takes for one that only a proxy may set', async () => {
    const upstream = await backend((request, response) => response.end(JSON.stringify(request.headers)))
    const headers = {
      x_keyhaven_application: 'other',
      'x-keyhaven_installation': 'forged',
      x_forwarded_for: '1.2.3.4',
      'x.real.ip': '1.2.3.4',
      app_header: 'mine',
    }
    const request = new Request('http://gateway.example/', { headers })
    const seen = await (await forward(request, upstream, context)).json()
    expect(seen.app_header).toBe('mine')
    for (const name of Object.keys(headers).slice(0, -1)) expect(seen).not.toHaveProperty([name])
  })

  test('a request that is cut ends as cut', async () => {
    const arrived = Promise.withResolvers<void>()
    const aborted = Promise.withResolvers<void>()
    const upstream = await backend((request) => {
      request.once('error', () => aborted.resolve())
      request.once('data', () => arrived.resolve())
    })
    let pulls = 0
    const body = new ReadableStream<Uint8Array>({
      async pull(controller) {
        if (pulls++ === 0) {
          controller.enqueue(Buffer.from('part'))
          return
        }
        await arrived.promise
        controller.error(new Error('OPEN_FAILED'))
      },
    })
    const answer = await forward(
      new Request('http://gateway.example/', { method: 'POST', body, duplex: 'half' } as RequestInit),
      upstream,
      context,
    )
    expect((await answer.json()).code).toBe('WIRE_MALFORMED')
    await aborted.promise
  })
})

describe('what an app gets', () => {
  test('status, headers and body; nothing that belongs to a connection or to a proxy', async () => {
    const upstream = await backend((_request, response) => {
      response.writeHead(
        201,
        [
          ['content-type', 'text/plain'],
          ['set-cookie', 'a=1'],
          ['set-cookie', 'b=2'],
          ['connection', 'keep-alive, x-hop'],
          ['x-hop', '1'],
          ['x-forwarded-for', '10.0.0.1'],
          ['x-keyhaven-error', 'KEY_REVOKED'],
          ['keep-alive', 'timeout=5'],
        ].flat(),
      )
      response.end('made')
    })
    const answer = await forward(new Request('http://gateway.example/'), upstream, context)
    expect(answer.status).toBe(201)
    expect(answer.headers.getSetCookie()).toEqual(['a=1', 'b=2'])
    for (const name of ['x-hop', 'connection', 'x-forwarded-for', 'x-keyhaven-error', 'keep-alive']) {
      expect(answer.headers.has(name)).toBe(false)
    }
    expect(await answer.text()).toBe('made')
  })

  test('a redirect as it is: the gateway follows none', async () => {
    const seen: string[] = []
    const upstream = await backend((request, response) => {
      seen.push(request.url!)
      response.writeHead(302, { location: '/elsewhere' }).end()
    })
    const answer = await forward(new Request('http://gateway.example/start'), upstream, context)
    expect([answer.status, answer.headers.get('location')]).toEqual([302, '/elsewhere'])
    expect(seen).toEqual(['/start'])
  })

  test('no body with 204, 304 and HEAD', async () => {
    const upstream = await backend((request, response) => {
      response.writeHead(request.url === '/304' ? 304 : request.url === '/204' ? 204 : 200, {
        'content-length': '0',
      })
      response.end()
    })
    for (const [path, method] of [
      ['/204', 'GET'],
      ['/304', 'GET'],
      ['/', 'HEAD'],
    ] as const) {
      const answer = await forward(
        new Request(`http://gateway.example${path}`, { method }),
        upstream,
        context,
      )
      expect(answer.body).toBeNull()
    }
  })

  test('a streamed answer piece by piece, and the backend hears when the app goes away', async () => {
    let closed: () => void = () => {}
    const gone = new Promise<void>((resolve) => {
      closed = resolve
    })
    const upstream = await backend((_request, response) => {
      response.write('first')
      response.once('close', () => closed())
    })
    const answer = await forward(new Request('http://gateway.example/'), upstream, context)
    const reader = answer.body!.getReader()
    expect(Buffer.from((await reader.read()).value!).toString()).toBe('first')
    await reader.cancel()
    await gone
  })

  test('an app that aborts ends the call to the backend', async () => {
    let closed: () => void = () => {}
    const gone = new Promise<void>((resolve) => {
      closed = resolve
    })
    const controller = new AbortController()
    const upstream = await backend((request) => {
      request.once('close', () => closed())
      controller.abort()
    })
    const answer = await forward(
      new Request('http://gateway.example/', { signal: controller.signal }),
      upstream,
      context,
    )
    expect(answer.status).toBe(502)
    await gone
  })

  test('UPSTREAM_FAILED when the backend is down, breaks off, or says nothing', async () => {
    const closed = createTcpServer().listen(0, '127.0.0.1')
    await once(closed, 'listening')
    const down = new URL(`http://127.0.0.1:${(closed.address() as AddressInfo).port}`)
    closed.close()
    await once(closed, 'close')
    const breaking = await backend((request) => request.socket.destroy())
    const silent = await backend(() => {})
    for (const [upstream, status, send] of [
      [down, 502, forward],
      [breaking, 502, forward],
      [silent, 504, createForwarder(TIMEOUT_MS)],
    ] as const) {
      const answer = await send(new Request('http://gateway.example/'), upstream, context)
      expect(answer.status).toBe(status)
      const problem = await answer.json()
      expect(problem.code).toBe('UPSTREAM_FAILED')
      expect(JSON.stringify(problem)).not.toContain(upstream.host)
    }
  })

  test('a connection that the backend closed while it was idle is replaced', async () => {
    let calls = 0
    const upstream = await backend((request, response) => {
      calls++
      response.end('ok')
      // Gone without a word, as a backend that restarts.
      if (calls === 1) response.once('finish', () => setImmediate(() => request.socket.resetAndDestroy()))
    })
    for (let i = 0; i < 3; i++) {
      expect(await (await forward(new Request('http://gateway.example/'), upstream, context)).text()).toBe(
        'ok',
      )
    }
    expect(calls).toBe(3)
  })

  test('a call that may have run is not sent again over a new connection', async () => {
    const seen: string[] = []
    const upstream = await backend((request, response) => {
      seen.push(`${request.method} ${request.url}`)
      if (request.url === '/warm') response.end('ok')
      else request.socket.resetAndDestroy()
    })
    await (await forward(new Request('http://gateway.example/warm'), upstream, context)).text()
    const answer = await forward(
      new Request('http://gateway.example/pay', { method: 'POST' }),
      upstream,
      context,
    )
    expect(answer.status).toBe(502)
    expect(seen).toEqual(['GET /warm', 'POST /pay'])
  })
})
