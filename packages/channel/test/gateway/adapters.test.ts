import { createServer, request as httpRequest, type RequestListener, type Server } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import express from 'express'
import { fastify } from 'fastify'
import { Hono } from 'hono'
import { describe, expect, onTestFinished, test } from 'vitest'
import { createNodeHandler, registerFastifyGateway } from '../../src/gateway/node/index.ts'
import { encodeRequestHead } from '../../src/wire/binary-http.ts'
import { createRequestSealer } from '../../src/wire/chunked.ts'
import { decodeKeyConfigList } from '../../src/wire/key-config.ts'
import { sealMessage } from '../../src/wire/seal-message.ts'
import {
  CHUNKED,
  clearError,
  createKit,
  json,
  type Kit,
  makeRequest,
  open,
  outer,
  post,
  seal,
  streamOf,
} from './gateway-kit.ts'

const MEBIBYTE = 1024 * 1024

/** Starts a real server; it stops with the test. */
async function listen(listener: RequestListener | Server): Promise<string> {
  const server = typeof listener === 'function' ? createServer(listener) : listener
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/gateway/default`
}

/** An address at which each adapter serves the kit's gateway. */
const ADAPTERS: Record<string, (kit: Kit) => Promise<string>> = {
  'node:http': (kit) => listen(createNodeHandler(kit.gateway)),
  Express: (kit) => {
    const app = express()
    app.use(express.json())
    app.all('/gateway/:applicationId', (request, response) => {
      createNodeHandler(kit.gateway, { applicationId: request.params.applicationId })(request, response)
    })
    return listen(app)
  },
  'Express after express.raw': (kit) => {
    const app = express()
    app.use(express.raw({ type: 'message/*', limit: '64mb' }))
    app.all('/gateway/:applicationId', createNodeHandler(kit.gateway))
    return listen(app)
  },
  Fastify: async (kit) => {
    const app = fastify({ forceCloseConnections: true, bodyLimit: 1000 })
    registerFastifyGateway(app, '/gateway/:applicationId', kit.gateway)
    await app.listen({ host: '127.0.0.1', port: 0 })
    onTestFinished(() => app.close())
    return `http://127.0.0.1:${(app.server.address() as AddressInfo).port}/gateway/default`
  },
}

describe.each(Object.entries(ADAPTERS))('%s', (_name, start) => {
  async function send(url: string, body: BodyInit, type = CHUNKED) {
    const init = { method: 'POST', headers: { 'content-type': type }, body, duplex: 'half' }
    return outer(await fetch(url, init as RequestInit))
  }

  test('a sealed call', async () => {
    const kit = await createKit()
    const url = await start(kit)
    const { envelope, sealer } = await seal(kit)
    const answer = await send(url, envelope as BodyInit)
    expect(json(await open(sealer, answer))).toMatchObject({ method: 'POST', text: 'a request in a seal' })
    expect(answer.headers).toContainEqual(['content-type', 'message/ohttp-chunked-res'])
  })

  test('the refusals are the same bytes as those of the function', async () => {
    const kit = await createKit()
    const url = await start(kit)
    const { envelope } = await seal(kit)
    for (const [body, type] of [
      [envelope.slice(0, -1), CHUNKED],
      [new Uint8Array(0), CHUNKED],
    ] as const) {
      const expected = await post(kit, body, type)
      const answer = await send(url, body as BodyInit, type)
      expect([answer.status, answer.body]).toEqual([expected.status, expected.body])
    }
    const refused = await fetch(url, { method: 'PUT', body: '{}', headers: { 'content-type': CHUNKED } })
    expect([refused.status, refused.headers.get('allow')]).toEqual([405, 'GET, POST'])
  })

  test('the key configurations', async () => {
    const kit = await createKit()
    const url = await start(kit)
    const answer = await outer(await fetch(url))
    expect(decodeKeyConfigList(answer.body)).toHaveLength(1)
    const head = await fetch(url, { method: 'HEAD' })
    expect([head.status, head.headers.get('content-length')]).toEqual([200, String(answer.body.length)])
  })

  test('20 MiB up and down, streamed', async () => {
    const kit = await createKit({ handler: (request) => new Response(request.body) })
    const url = await start(kit)
    const sealer = await createRequestSealer(kit.backend, kit.recipient)
    async function* content() {
      for (let at = 0; at < 20; at++) yield new Uint8Array(MEBIBYTE).fill(at)
    }
    async function* envelope() {
      yield sealer.header
      const head = encodeRequestHead(makeRequest())
      yield* sealMessage({
        head,
        content: content(),
        chunkBytes: 65_536,
        flushAtPauses: true,
        sealChunk: sealer.sealChunk,
      })
    }
    const answer = await open(sealer, await send(url, streamOf(envelope()) as BodyInit))
    expect(answer.body.length).toBe(20 * MEBIBYTE)
    for (let at = 0; at < 20; at++) expect(answer.body[at * MEBIBYTE + 7]).toBe(at)
  })

  test('an answer that fails on its way breaks the connection', async () => {
    async function* failing() {
      for (let count = 0; count < 3; count++) yield new Uint8Array(100_000)
      throw new Error('disk')
    }
    const kit = await createKit({ handler: () => new Response(streamOf(failing())) })
    const url = await start(kit)
    const { envelope } = await seal(kit)
    await expect(send(url, envelope as BodyInit)).rejects.toThrow()
  })
})

// express.raw waits for the whole body, so its handler never begins.
const STREAMING = Object.entries(ADAPTERS).filter(([name]) => !name.includes('raw'))

describe.each(STREAMING)('%s', (_name, start) => {
  test('a connection that breaks: the handler fails and commits nothing', async () => {
    const failed = Promise.withResolvers<unknown>()
    const begun = Promise.withResolvers<void>()
    const kit = await createKit({
      async handler(request) {
        begun.resolve()
        try {
          await request.arrayBuffer()
          failed.resolve('committed')
        } catch (error) {
          failed.resolve(error)
        }
        return new Response()
      },
    })
    const url = await start(kit)
    const sealer = await createRequestSealer(kit.backend, kit.recipient)
    const client = httpRequest(url, { method: 'POST', headers: { 'content-type': CHUNKED } })
    client.on('error', () => {})
    client.write(sealer.header)
    client.write(await sealer.sealChunk(encodeRequestHead(makeRequest()), false))
    await begun.promise
    client.destroy()
    expect(await failed.promise).toMatchObject({ code: 'OPEN_FAILED' })
  })
})

describe('node:http', () => {
  test('a body shorter than its content-length is opaque', async () => {
    const kit = await createKit()
    const url = new URL(await listen(createNodeHandler(kit.gateway)))
    const { envelope } = await seal(kit)
    const socket = connect(Number(url.port), url.hostname)
    let answer = ''
    const closed = new Promise((resolve) => socket.on('close', resolve))
    socket.on('data', (bytes) => {
      answer += bytes.toString('latin1')
    })
    socket.write(
      `POST / HTTP/1.1\r\nhost: x\r\ncontent-type: ${CHUNKED}\r\ncontent-length: ${envelope.length + 1}\r\n\r\n`,
    )
    socket.end(envelope)
    await closed
    expect(answer).not.toContain('200 OK')
    expect(kit.seen).toEqual([])
  })

  test('a content-length over the limit is refused without reading', async () => {
    const kit = await createKit()
    const url = new URL(await listen(createNodeHandler(kit.gateway)))
    const socket = connect(Number(url.port), url.hostname)
    const answer = new Promise<string>((resolve) =>
      socket.once('data', (bytes) => resolve(bytes.toString('latin1'))),
    )
    socket.write(
      `POST / HTTP/1.1\r\nhost: x\r\ncontent-type: ${CHUNKED}\r\ncontent-length: 9999999999999\r\n\r\nx`,
    )
    expect(await answer).toContain('413 Payload Too Large')
    socket.destroy()
  })

  test('the handler learns that the caller has gone', async () => {
    const aborted = Promise.withResolvers<boolean>()
    const begun = Promise.withResolvers<void>()
    const kit = await createKit({
      handler: (request) =>
        new Promise((resolve) => {
          request.signal.addEventListener('abort', () => {
            aborted.resolve(true)
            resolve(new Response())
          })
          begun.resolve()
        }),
    })
    const url = await listen(createNodeHandler(kit.gateway, { applicationId: () => undefined }))
    const { envelope } = await seal(kit)
    const controller = new AbortController()
    const calling = fetch(url, {
      method: 'POST',
      headers: { 'content-type': CHUNKED },
      body: envelope as BodyInit,
      signal: controller.signal,
    }).catch(() => {})
    await begun.promise
    controller.abort()
    expect(await aborted.promise).toBe(true)
    await calling
  })

  test('an unknown application', async () => {
    const kit = await createKit()
    const url = await listen(createNodeHandler(kit.gateway, { applicationId: 'other' }))
    const { envelope } = await seal(kit)
    const init = { method: 'POST', headers: { 'content-type': CHUNKED }, body: envelope as BodyInit }
    expect(clearError(await outer(await fetch(url, init)))).toBe('NOT_FOUND')
  })
})

describe('Hono', () => {
  test('outside: the gateway is a route; inside: the router is its handler', async () => {
    const inner = new Hono<{ Bindings: { installation: string | undefined } }>()
    inner.post('/v1/things/:id', async (context) =>
      context.json({
        id: context.req.param('id'),
        query: context.req.query('q'),
        type: context.req.header('content-type'),
        text: await context.req.text(),
        installation: context.env.installation,
      }),
    )
    const kit = await createKit({
      handler: (request, { client }) => inner.fetch(request, { installation: client?.installationId }),
    })
    const app = new Hono()
    app.all('/gateway/:applicationId', (context) =>
      kit.gateway(context.req.raw, context.req.param('applicationId')),
    )
    const { envelope, sealer } = await seal(kit, makeRequest({ path: '/v1/things/a%20b?q=1' }))
    const init = { method: 'POST', headers: { 'content-type': CHUNKED }, body: envelope as BodyInit }
    const answer = await open(sealer, await outer(await app.request('/gateway/default', init)))
    expect(json(answer)).toEqual({
      id: 'a b',
      query: '1',
      type: 'text/plain',
      text: 'a request in a seal',
      installation: 'installation-1',
    })
    expect((await app.request('/gateway/other', init)).status).toBe(404)
  })
})
