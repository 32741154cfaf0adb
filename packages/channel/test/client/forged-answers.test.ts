import { beforeEach, describe, expect, test } from 'vitest'
import { byteStream } from './byte-stream.ts'
import { codeOf, createTestServer, forgedProblem, OHTTP_KEY_TYPE, type TestServer } from './test-server.ts'

const PACKET_BYTES = 1_400
const SEALED_TYPE = 'message/ohttp-chunked-res'

let server: TestServer

beforeEach(async () => {
  server = await createTestServer()
  server.handler = async (request) => new Response(`answer to ${await request.text()}`)
})

/** Lets the request run, and gives `change` the sealed answer's bytes. */
function alterAnswer(
  change: (bytes: Uint8Array<ArrayBuffer>) => BodyInit,
  headers: Record<string, string> = {},
): void {
  server.attack = async (request, forward) => {
    const answer = await forward(request)
    if (request.method !== 'POST') return answer
    const body = change(new Uint8Array(await answer.arrayBuffer()))
    return new Response(body, { headers: { 'content-type': SEALED_TYPE, ...headers } })
  }
}

/** As a network delivers it. */
function inPackets(bytes: Uint8Array): ReadableStream<Uint8Array> {
  const packets: Uint8Array[] = []
  for (let at = 0; at < bytes.length; at += PACKET_BYTES) packets.push(bytes.subarray(at, at + PACKET_BYTES))
  return byteStream(packets)
}

const post = (body = 'x') => server.channel().fetch('/', { method: 'POST', body })
const textOf = async (promise: Promise<Response>) => (await promise).text()

async function sealedLength(): Promise<number> {
  let length = 0
  alterAnswer((bytes) => {
    length = bytes.length
    return bytes
  })
  expect(await textOf(post())).toBe('answer to x')
  return length
}

describe('a small answer', () => {
  test('cut after each byte is refused', async () => {
    const length = await sealedLength()
    const channel = server.channel()
    const results = new Set<string>()
    for (let cut = 0; cut < length; cut++) {
      alterAnswer((bytes) => bytes.subarray(0, cut))
      results.add(await codeOf(textOf(channel.fetch('/', { method: 'POST', body: 'x' }))))
    }
    expect([...results]).toEqual(['OPEN_FAILED'])
    expect(server.posts).toBe(length + 1)
  })

  test('with one bit flipped in any byte is refused', async () => {
    const length = await sealedLength()
    const channel = server.channel()
    const results = new Set<string>()
    for (let at = 0; at < length; at++) {
      alterAnswer((bytes) => {
        bytes[at]! ^= 1 << (at % 8)
        return bytes
      })
      results.add(await codeOf(textOf(channel.fetch('/', { method: 'POST', body: 'x' }))))
    }
    expect([...results]).toEqual(['OPEN_FAILED'])
  })

  test('with bytes before or after it is refused', async () => {
    for (const extra of [1, 16, 1_000]) {
      alterAnswer((bytes) => new Blob([bytes, new Uint8Array(extra)]))
      expect(await codeOf(textOf(post()))).toBe('OPEN_FAILED')
      alterAnswer((bytes) => new Blob([new Uint8Array(extra), bytes]))
      expect(await codeOf(textOf(post()))).toBe('OPEN_FAILED')
    }
  })

  test('is read the same in one piece and byte by byte', async () => {
    alterAnswer((bytes) => byteStream([...bytes].map((byte) => Uint8Array.of(byte))))
    expect(await textOf(post())).toBe('answer to x')
  })
})

describe('an answer of another exchange', () => {
  test('replayed is refused', async () => {
    let recorded: Uint8Array<ArrayBuffer> | undefined
    alterAnswer((bytes) => {
      recorded ??= bytes
      return recorded
    })
    const channel = server.channel()
    expect(await textOf(channel.fetch('/', { method: 'POST', body: '1' }))).toBe('answer to 1')
    expect(await codeOf(channel.fetch('/', { method: 'POST', body: '1' }))).toBe('OPEN_FAILED')
  })

  test('swapped between two calls is refused by both', async () => {
    const answers: Uint8Array<ArrayBuffer>[] = []
    const both = Promise.withResolvers<void>()
    server.attack = async (request, forward) => {
      const answer = await forward(request)
      if (request.method !== 'POST') return answer
      const mine = answers.push(new Uint8Array(await answer.arrayBuffer())) - 1
      if (answers.length === 2) both.resolve()
      await both.promise
      return new Response(answers[1 - mine], { headers: { 'content-type': SEALED_TYPE } })
    }
    const channel = server.channel()
    const codes = ['1', '2'].map((body) => codeOf(channel.fetch('/', { method: 'POST', body })))
    expect(await Promise.all(codes)).toEqual(['OPEN_FAILED', 'OPEN_FAILED'])
  })
})

describe('a streamed answer', () => {
  const PIECES = 12
  const PIECE_BYTES = 30_000

  beforeEach(() => {
    server.handler = () => {
      let piece = 0
      return new Response(
        new ReadableStream({
          pull(controller) {
            if (piece === PIECES) return controller.close()
            controller.enqueue(new Uint8Array(PIECE_BYTES).fill(++piece))
          },
        }),
      )
    }
  })

  test('arrives whole', async () => {
    const bytes = new Uint8Array(await (await post()).arrayBuffer())
    expect(bytes.length).toBe(PIECES * PIECE_BYTES)
    expect(new Set(bytes).size).toBe(PIECES)
  })

  test('that is cut makes the body fail, and gives only what was authenticated', async () => {
    for (const share of [0.3, 0.5, 0.7, 0.9, 0.999]) {
      alterAnswer((bytes) => inPackets(bytes.subarray(0, Math.floor(bytes.length * share))))
      const response = await post()
      let received = 0
      const reading = (async () => {
        for await (const piece of response.body!) received += piece.length
      })()
      expect(await codeOf(reading)).toBe('OPEN_FAILED')
      expect(received).toBeGreaterThan(0)
      expect(received).toBeLessThanOrEqual(PIECES * PIECE_BYTES)
    }
  })

  test('that is altered in a later chunk fails there, after nothing but genuine bytes', async () => {
    alterAnswer((bytes) => {
      bytes[Math.floor(bytes.length * 0.6)]! ^= 1
      return inPackets(bytes)
    })
    const response = await post()
    const received: number[] = []
    const reading = (async () => {
      for await (const piece of response.body!) received.push(...piece)
    })()
    expect(await codeOf(reading)).toBe('OPEN_FAILED')
    expect(received.every((byte, at) => byte === Math.floor(at / PIECE_BYTES) + 1)).toBe(true)
  })

  test('whose chunks are reordered or left out is refused', async () => {
    const chunksOf = (bytes: Uint8Array<ArrayBuffer>) => {
      // Response nonce (32 bytes for AES-256-GCM), then chunks with a QUIC length of 2 or 4 bytes; the last
      // has 0.
      const chunks: Uint8Array<ArrayBuffer>[] = []
      let at = 32
      while (bytes[at] !== 0) {
        const size = 1 << (bytes[at]! >> 6)
        let length = bytes[at]! & 0x3f
        for (let index = 1; index < size; index++) length = length * 256 + bytes[at + index]!
        chunks.push(bytes.subarray(at, at + size + length))
        at += size + length
      }
      return { nonce: bytes.subarray(0, 32), chunks, final: bytes.subarray(at) }
    }
    const read = async () => (await post()).arrayBuffer()
    alterAnswer((bytes) => {
      const { nonce, chunks, final } = chunksOf(bytes)
      expect(chunks.length).toBeGreaterThan(2)
      return new Blob([nonce, chunks[1]!, chunks[0]!, ...chunks.slice(2), final])
    })
    expect(await codeOf(read())).toBe('OPEN_FAILED')
    alterAnswer((bytes) => {
      const { nonce, chunks, final } = chunksOf(bytes)
      return new Blob([nonce, ...chunks.slice(0, -1), final])
    })
    expect(await codeOf(read())).toBe('OPEN_FAILED')
    alterAnswer((bytes) => {
      const { nonce, chunks } = chunksOf(bytes)
      return new Blob([nonce, ...chunks, Uint8Array.of(0)])
    })
    expect(await codeOf(read())).toBe('OPEN_FAILED')
  })
})

describe('an answer without a seal is never taken for the server', () => {
  const page = '<html>Sign in to this network</html>'
  const cases: [string, () => Response, string][] = [
    [
      'a page with 200',
      () => new Response(page, { headers: { 'content-type': 'text/html' } }),
      'GATEWAY_REFUSED',
    ],
    ['JSON with 200', () => Response.json({ paid: true }), 'GATEWAY_REFUSED'],
    ['nothing with 204', () => new Response(null, { status: 204 }), 'GATEWAY_REFUSED'],
    [
      'a redirect',
      () => new Response(null, { status: 302, headers: { location: 'https://evil.test' } }),
      'GATEWAY_REFUSED',
    ],
    [
      'the sealed type with 206',
      () => new Response(page, { status: 206, headers: { 'content-type': SEALED_TYPE } }),
      'GATEWAY_REFUSED',
    ],
    [
      'the other sealed type',
      () => new Response(page, { headers: { 'content-type': 'message/ohttp-res' } }),
      'GATEWAY_REFUSED',
    ],
    [
      'a page in the sealed type',
      () => new Response(page, { headers: { 'content-type': SEALED_TYPE } }),
      'OPEN_FAILED',
    ],
    [
      'nothing in the sealed type',
      () => new Response('', { headers: { 'content-type': SEALED_TYPE } }),
      'OPEN_FAILED',
    ],
    [
      'zeros in the sealed type',
      () => new Response(new Uint8Array(5_000), { headers: { 'content-type': SEALED_TYPE } }),
      'OPEN_FAILED',
    ],
    [
      'a chunk of a gigabyte announced',
      () =>
        new Response(new Uint8Array([...new Uint8Array(32), 0x80 | 0x3f, 255, 255, 255]), {
          headers: { 'content-type': SEALED_TYPE },
        }),
      'OPEN_FAILED',
    ],
    [
      'the sealed type with 400',
      () => new Response(page, { status: 400, headers: { 'content-type': SEALED_TYPE } }),
      'GATEWAY_REFUSED',
    ],
    ['an ohttp-key problem', () => forgedProblem(401, 'KEY_REVOKED', OHTTP_KEY_TYPE), 'GATEWAY_REFUSED'],
    ['OPEN_FAILED', () => forgedProblem(400, 'OPEN_FAILED'), 'OPEN_FAILED'],
    ['REPLAYED', () => forgedProblem(409, 'REPLAYED'), 'GATEWAY_REFUSED'],
    ['a page with 502', () => new Response(page, { status: 502 }), 'GATEWAY_UNAVAILABLE'],
  ]

  test.each(cases)('%s', async (_, answer, code) => {
    const channel = server.channel()
    await channel.fetch('/', { method: 'POST', body: '' })
    server.attack = async (request, forward) => (request.method === 'POST' ? answer() : forward(request))
    const error = await channel.fetch('/', { method: 'POST', body: 'secret' }).catch((reason) => reason)
    expect([error.name, error.code]).toEqual(['KeyhavenError', code])
    expect(error.message).not.toContain('secret')
    expect(error.message).not.toContain('forged')
    expect(server.runs).toHaveLength(1)
    server.attack = undefined
    expect(await textOf(channel.fetch('/', { method: 'POST', body: 'y' }))).toBe('answer to y')
  })
})

test('a request altered on the way does not run, and the app is told OPEN_FAILED', async () => {
  server.attack = async (request, forward) => {
    if (request.method !== 'POST') return forward(request)
    const bytes = new Uint8Array(await request.arrayBuffer())
    bytes[bytes.length - 1]! ^= 1
    return forward(new Request(request.url, { method: 'POST', headers: request.headers, body: bytes }))
  }
  expect(await codeOf(post())).toBe('OPEN_FAILED')
  expect([server.runs, server.posts]).toEqual([[], 2])
})
