import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { type Channel, createChannel, type PinnedKey } from '@keyhaven/channel'
import {
  createGateway,
  createMemoryReplayStore,
  type SealedHandler,
  staticGatewayKeys,
} from '@keyhaven/channel/gateway'
import { createNodeHandler } from '@keyhaven/channel/gateway/node'
import { type KemPrivateKey, toBase64url } from '@keyhaven/crypto'
import { nodeBackend } from '@keyhaven/crypto/node'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { byteStream } from './byte-stream.ts'
import { codeOf } from './test-server.ts'

const MEBIBYTE = 1_048_576
const UPLOAD_BYTES = 50 * MEBIBYTE
const PIECE_BYTES = 65_536
/** Of live buffers while 50 MB pass: far under the whole, far over what a few chunks in flight need. */
const MEMORY_LIMIT_BYTES = 8 * MEBIBYTE

setFlagsFromString('--expose-gc')
const collectGarbage: () => void = runInNewContext('gc')

let server: Server
let url: string
let privateKey: KemPrivateKey
let pinned: PinnedKey
let handler: SealedHandler
let channel: Channel

function liveBufferBytes(): number {
  collectGarbage()
  // V8 counts buffers down while it sweeps, later; the next collection waits for that.
  collectGarbage()
  return process.memoryUsage().arrayBuffers
}

beforeEach(async () => {
  const pair = await nodeBackend.kem.generateKeyPair('x25519')
  privateKey = pair.privateKey
  pinned = { keyId: 1, publicKey: toBase64url(pair.publicKey.bytes) }
  const gateway = createGateway({
    keys: staticGatewayKeys([{ keyId: 1, privateKey }], 'default'),
    handler: (request, context) => handler(request, context),
    replay: createMemoryReplayStore(Date.now, { refusesBefore: 1 }),
    backend: nodeBackend,
  })
  server = createServer(createNodeHandler(gateway))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  channel = createChannel({ url, applicationId: 'demo', trust: { pinnedKeys: [pinned] } })
})

afterEach(async () => {
  server.closeAllConnections()
  server.close()
  await once(server, 'close')
})

function* pieces(onPiece: (produced: number) => void = () => {}): Generator<Uint8Array> {
  for (let produced = 0; produced < UPLOAD_BYTES; produced += PIECE_BYTES) {
    onPiece(produced)
    yield new Uint8Array(PIECE_BYTES).fill(produced / PIECE_BYTES)
  }
}

const upload = (body: ReadableStream, signal?: AbortSignal) =>
  ({ method: 'POST', body, duplex: 'half', signal: signal ?? null }) as RequestInit

describe('streams over a real socket', () => {
  test('50 MB go up and come down, and are never held as a whole', async () => {
    const before = liveBufferBytes()
    let peak = 0
    let measured = 0
    handler = async (request) => {
      let received = 0
      let genuine = true
      for await (const piece of request.body!) {
        genuine &&= piece.every((byte, at) => byte === (Math.floor((received + at) / PIECE_BYTES) & 0xff))
        received += piece.length
        if (received - measured > 8 * MEBIBYTE) {
          measured = received
          peak = Math.max(peak, liveBufferBytes())
        }
      }
      return new Response(byteStream(pieces()), { headers: { 'x-received': `${received} ${genuine}` } })
    }
    const response = await channel.fetch('/v1/upload', upload(byteStream(pieces())))
    expect(response.headers.get('x-received')).toBe(`${UPLOAD_BYTES} true`)
    expect(peak - before).toBeLessThan(MEMORY_LIMIT_BYTES)
    let received = 0
    measured = 0
    for await (const piece of response.body!) {
      received += piece.length
      if (received - measured > 8 * MEBIBYTE) {
        measured = received
        peak = Math.max(peak, liveBufferBytes())
      }
    }
    expect(received).toBe(UPLOAD_BYTES)
    expect(peak - before).toBeLessThan(MEMORY_LIMIT_BYTES)
  })

  test('a server that does not read slows the upload down', async () => {
    const { promise: reading, resolve: read } = Promise.withResolvers<void>()
    handler = async (request) => {
      await reading
      let received = 0
      for await (const piece of request.body!) received += piece.length
      return new Response(String(received))
    }
    let produced = 0
    const body = byteStream(
      pieces((bytes) => {
        produced = bytes
      }),
    )
    const answer = channel.fetch('/v1/upload', upload(body))
    let last = -1
    await expect
      .poll(
        () => {
          const stalled = produced > 0 && produced === last
          last = produced
          return stalled
        },
        { interval: 200 },
      )
      .toBe(true)
    expect(produced).toBeLessThan(UPLOAD_BYTES / 2)
    read()
    expect(await (await answer).text()).toBe(String(UPLOAD_BYTES))
  })

  test('an answer is read while the server still writes it', async () => {
    const { promise: first, resolve: firstRead } = Promise.withResolvers<void>()
    handler = () => {
      let count = 0
      return new Response(
        new ReadableStream({
          async pull(controller) {
            if (count === 1) await first
            if (count++ === 2) controller.close()
            else controller.enqueue(new TextEncoder().encode(`event ${count}\n`))
          },
        }),
      )
    }
    const reader = (await channel.fetch('/v1/events')).body!.getReader()
    expect(new TextDecoder().decode((await reader.read()).value)).toBe('event 1\n')
    firstRead()
    expect(new TextDecoder().decode((await reader.read()).value)).toBe('event 2\n')
    expect((await reader.read()).done).toBe(true)
  })

  test('an answer that comes before the upload ends is given at once', async () => {
    handler = () => new Response('too large', { status: 413 })
    const response = await channel.fetch('/v1/upload', upload(byteStream(pieces())))
    expect([response.status, await response.text()]).toEqual([413, 'too large'])
  })
})

describe('abort over a real socket', () => {
  test('during the upload: AbortError, the app stream is cancelled, the handler sees the cut', async () => {
    const { promise: seen, resolve: see } = Promise.withResolvers<string>()
    const abort = new AbortController()
    handler = async (request) => {
      const reading = (async () => {
        let received = 0
        for await (const piece of request.body!) {
          received += piece.length
          if (received > MEBIBYTE) abort.abort()
        }
      })()
      see(await codeOf(reading))
      return new Response()
    }
    let cancelled = false
    const source = pieces()
    const body = new ReadableStream({
      pull: (controller) => controller.enqueue(source.next().value),
      cancel: () => {
        cancelled = true
      },
    })
    const error = await channel.fetch('/v1/upload', upload(body, abort.signal)).catch((reason) => reason)
    expect([error instanceof DOMException, error.name]).toEqual([true, 'AbortError'])
    expect(await seen).not.toBe('resolved')
    await expect.poll(() => cancelled).toBe(true)
  })

  test('during the answer: the body fails with AbortError, the handler stream is cancelled', async () => {
    const { promise: ended, resolve: end } = Promise.withResolvers<void>()
    handler = () =>
      new Response(
        new ReadableStream({
          pull: (controller) => controller.enqueue(new Uint8Array(PIECE_BYTES)),
          cancel: () => end(),
        }),
      )
    const abort = new AbortController()
    const response = await channel.fetch('/v1/events', { signal: abort.signal })
    const reader = response.body!.getReader()
    await reader.read()
    abort.abort()
    const reading = (async () => {
      while (!(await reader.read()).done) {}
    })()
    const error = await reading.catch((reason) => reason)
    expect([error instanceof DOMException, error.name]).toEqual([true, 'AbortError'])
    await ended
  })

  test('a timeout is a TimeoutError', async () => {
    handler = () => new Promise(() => {})
    expect(await codeOf(channel.fetch('/', { signal: AbortSignal.timeout(20) }))).toBe('TimeoutError')
  })
})

describe('failures of a real network', () => {
  test('nobody listens: the TypeError of fetch', async () => {
    const gone = createChannel({
      url: 'http://127.0.0.1:1',
      applicationId: 'demo',
      trust: { pinnedKeys: [pinned] },
    })
    await expect(gone.fetch('/')).rejects.toThrow(TypeError)
  })

  test('the connection breaks while the answer is awaited', async () => {
    handler = () => {
      server.closeAllConnections()
      return new Promise(() => {})
    }
    await expect(channel.fetch('/', { method: 'POST', body: 'x' })).rejects.toThrow(TypeError)
  })

  test('the connection breaks within the answer: the body fails', async () => {
    handler = () =>
      new Response(byteStream(pieces((produced) => produced > MEBIBYTE && server.closeAllConnections())))
    const response = await channel.fetch('/')
    await expect(response.arrayBuffer()).rejects.toThrow()
  })

  test('the app stream fails: TypeError with the reason, and the handler does not see an end', async () => {
    const { promise: seen, resolve: see } = Promise.withResolvers<string>()
    handler = async (request) => {
      see(await codeOf(request.arrayBuffer()))
      return new Response()
    }
    const failing = byteStream(
      pieces((produced) => {
        if (produced > MEBIBYTE) throw new Error('the disk is gone')
      }),
    )
    const error = await channel.fetch('/v1/upload', upload(failing)).catch((reason) => reason)
    expect(error).toBeInstanceOf(TypeError)
    expect(error.cause.message).toBe('the disk is gone')
    expect(await seen).not.toBe('resolved')
  })

  test('a revoked key and a streamed upload: the error says that the stream is gone', async () => {
    const stranger = await nodeBackend.kem.generateKeyPair('x25519')
    const pinnedKeys = [{ keyId: 9, publicKey: toBase64url(stranger.publicKey.bytes) }, pinned]
    const behind = createChannel({ url, applicationId: 'demo', trust: { pinnedKeys } })
    const error = await behind
      .fetch('/v1/upload', upload(byteStream([new Uint8Array(10)])))
      .catch((reason) => reason)
    expect(error.code).toBe('GATEWAY_REFUSED')
    expect(error.message).toContain('stream')
  })
})
